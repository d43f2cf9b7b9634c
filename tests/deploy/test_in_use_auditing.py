"""An audit of a log goes on whatever the log holds and however long it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.audit import OverTime
from monai_fairtune.cli import main
from monai_fairtune.deploy import ModelIdentity
from monai_fairtune.deploy.in_use import Answer, AnswerLog, audit_log
from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.metrics import Surveillance

MODEL = ModelIdentity("net", "1.0", "a" * 64)
FIRST = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)
RULE = Surveillance(n_draws=1000)


def answer(number: int, time: datetime) -> Answer:
    sex = ("female", "male")[number % 2]
    return Answer(f"I{number}", f"P{number}", 0.25 + 0.5 * (number % 2), time, attributes={"sex": sex})


@pytest.fixture
def log(tmp_path: Path) -> AnswerLog:
    return AnswerLog(tmp_path / "log.db", b"k" * 64)


def fill(log: AnswerLog, days: Sequence[int]) -> None:
    """Adds one answer a day."""
    log.add((answer(day, FIRST + timedelta(days=day)) for day in days), MODEL, 0.5)
    log.add_outcomes({f"I{day}": day % 2 for day in days}, "image")


def windows(log: AnswerLog, today: date, window: str | int = "month", **changes: Any) -> list[str]:
    report = report_of(log, today, window, **changes)
    return [part["name"] for part in report["windows"]["each"]]


def report_of(log: AnswerLog, today: date, window: str | int = "month", **changes: Any) -> dict[str, Any]:
    over_time = OverTime("time", window, rule=RULE)
    return audit_log(log.path, over_time, today=today, attributes="sex", resampling=None, **changes).to_dict()


@pytest.mark.parametrize(
    "time",
    [datetime(9999, 1, 1, tzinfo=timezone.utc), datetime(1999, 1, 1, tzinfo=timezone.utc)],
    ids=["to come", "long ago"],
)
def test_an_answer_with_a_time_that_cannot_be_true_is_refused(time: datetime) -> None:
    with pytest.raises(PredictionsError, match="lies before 2000 or in the future"):
        answer(1, time)
    answer(1, datetime.now(timezone.utc) + timedelta(hours=14))  # a table of local times without a zone


def test_answers_of_today_and_later_stop_no_audit(log: AnswerLog) -> None:
    fill(log, [*range(30), 200])
    assert windows(log, date(2026, 2, 1), 1)[-1] == "2026-01-31"


def test_windows_go_on_to_today_when_a_model_is_not_asked_any_more(log: AnswerLog) -> None:
    fill(log, range(50))
    assert windows(log, date(2026, 6, 2)) == [f"2026-{month:02d}" for month in range(1, 6)]


def test_a_daily_audit_goes_on_after_months_and_says_what_it_left_out(log: AnswerLog) -> None:
    fill(log, range(130))
    report = report_of(log, date(2026, 5, 14), 1)
    names = [part["name"] for part in report["windows"]["each"]]
    assert (len(names), names[0], names[-1]) == (120, "2026-01-14", "2026-05-13")
    assert any(note.startswith("Answers before 2026-01-14 were left out:") for note in report["audit"]["notes"])


def test_the_window_that_holds_the_day_of_since_is_the_first(log: AnswerLog) -> None:
    fill(log, range(130))
    assert windows(log, date(2026, 5, 14), since=date(2026, 2, 20)) == ["2026-02", "2026-03", "2026-04"]


def test_the_command_takes_since_and_refuses_what_is_no_date(
    log: AnswerLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(log, range(130))
    asked = ["in-use", "audit", str(log.path), "--attribute", "sex", "--replicates", "0"]
    asked += ["--output-dir", str(tmp_path / "out"), "--since"]
    assert main([*asked, "2026-03-10"]) == 0
    out = capsys.readouterr().out
    assert "2026-03" in out
    assert "2026-02" not in out
    with pytest.raises(SystemExit):
        main([*asked, "March"])
    assert "'March' is no date such as 2026-05-31" in capsys.readouterr().err
