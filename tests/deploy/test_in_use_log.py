"""The log keeps what was answered, under pseudonyms, and gives it back as a table that an audit reads."""

from __future__ import annotations

import re
import sqlite3
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_fairtune.audit import OverTime
from monai_fairtune.deploy import ModelIdentity
from monai_fairtune.deploy.in_use import Added, Answer, AnswerLog, audit_log, read_answers
from monai_fairtune.exceptions import ConfigurationError, PredictionsError, StorageUnreachableError
from monai_fairtune.metrics import Surveillance
from monai_fairtune.predictions import keyed_pseudonym

KEY = b"k" * 64
MODEL = ModelIdentity("net", "1.0", "a" * 64)
NOON = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)


@pytest.fixture
def log(tmp_path: Path) -> AnswerLog:
    return AnswerLog(tmp_path / "log.db", KEY)


def answer(number: int = 1, probability: float = 0.25, **changes: Any) -> Answer:
    given: dict[str, Any] = {
        "image": f"IMAGE{number}",
        "patient": f"PATIENT{number}",
        "study": f"STUDY{number}",
        "accession": f"ACCESSION{number}",
        "time": NOON,
        "attributes": {"sex": "female", "age": "66"},
    }
    return Answer(probability=probability, **(given | changes))


def row(log: AnswerLog, number: int = 1, model: str | None = None) -> dict[str, Any]:
    table = read_answers(log.path, model).table
    return dict(table[table["image"] == keyed_pseudonym(f"IMAGE{number}", KEY)].iloc[0])


def test_what_was_answered_comes_back_with_its_attributes_and_no_label(log: AnswerLog) -> None:
    assert log.add([answer()], MODEL, 0.4) == Added(1, 0, 0)
    found = read_answers(log.path)
    assert (found.model, found.threshold) == ("a" * 64, 0.4)
    assert row(log) == {
        "image": keyed_pseudonym("IMAGE1", KEY),
        "patient": keyed_pseudonym("PATIENT1", KEY),
        "time": "2026-01-05T12:00:00+00:00",
        "score": 0.25,
        "label": "",
        "age": "66",
        "sex": "female",
    }


def test_no_id_is_in_the_file_and_only_its_owner_may_read_it(log: AnswerLog) -> None:
    log.add([answer()], MODEL, 0.4)
    log.add_outcomes({"ACCESSION1": 1}, "accession")
    log.add_attributes({"PATIENT1": {"race": "A"}}, "patient")
    content = log.path.read_bytes()
    assert not re.search(b"IMAGE1|PATIENT1|STUDY1|ACCESSION1", content)
    assert KEY not in content
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_rows_can_neither_be_changed_nor_removed(log: AnswerLog) -> None:
    log.add([answer()], MODEL, 0.4)
    log.add_outcomes({"IMAGE1": 1}, "image")
    connection = sqlite3.connect(log.path)
    for statement in ("UPDATE answers SET probability = 0.9", "DELETE FROM recorded", "DELETE FROM models"):
        with pytest.raises(sqlite3.IntegrityError, match="added, never changed"):
            connection.execute(statement)
    connection.close()


def test_an_image_is_counted_once_a_model_and_a_different_answer_is_told(log: AnswerLog) -> None:
    log.add([answer()], MODEL, 0.4)
    assert log.add([answer(), answer(2)], MODEL, 0.4) == Added(1, 1, 0)
    assert log.add([answer(probability=0.75)], MODEL, 0.4) == Added(0, 0, 1)
    assert row(log)["score"] == 0.25
    other = ModelIdentity("net", "2.0", "b" * 64)
    assert log.add([answer(probability=0.75)], other, 0.6) == Added(1, 0, 0)
    assert row(log, model="bb")["score"] == 0.75
    with pytest.raises(ConfigurationError, match=r"2 models of the log fit .* \['net 1.0: aaaaaaaaaaaa', 'net 2.0"):
        read_answers(log.path)


def test_a_label_that_becomes_known_later_joins_by_image_study_or_accession_and_the_latest_counts(
    log: AnswerLog,
) -> None:
    log.add([answer(1), answer(2), answer(3)], MODEL, 0.4)
    log.add_outcomes({"ACCESSION1": 0, "ACCESSION2": 1}, "accession")
    assert [row(log, number)["label"] for number in (1, 2, 3)] == ["0", "1", ""]
    log.add_outcomes({"ACCESSION1": 1}, "accession")
    log.add_outcomes({"IMAGE2": 0}, "image")
    log.add_outcomes({"STUDY3": 1}, "study")
    assert [row(log, number)["label"] for number in (1, 2, 3)] == ["1", "0", "1"]


def test_an_attribute_from_another_table_joins_by_patient_and_gives_way_to_the_images_own(log: AnswerLog) -> None:
    log.add([answer(1), answer(2, attributes={})], MODEL, 0.4)
    log.add_attributes({"PATIENT1": {"sex": "male", "race": "A"}, "PATIENT2": {"sex": "male", "race": ""}}, "patient")
    assert [(row(log, number)["sex"], row(log, number)["race"]) for number in (1, 2)] == [("female", "A"), ("male", "")]


def test_another_key_is_refused_because_ids_would_not_find_their_answers(log: AnswerLog) -> None:
    with pytest.raises(ConfigurationError, match="begun with another key"):
        AnswerLog(log.path, b"j" * 64)


def test_answers_that_one_call_adds_are_there_all_or_none(log: AnswerLog) -> None:
    def breaking() -> Any:
        yield answer(1)
        raise PredictionsError("The second answer has no probability. Give one.")

    with pytest.raises(PredictionsError):
        log.add(breaking(), MODEL, 0.4)
    assert log.add([answer(1)], MODEL, 0.4) == Added(1, 0, 0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"patient": ""}, "no id of its image or patient"),
        ({"probability": float("nan")}, "the probability nan"),
        ({"probability": 1.5}, "the probability 1.5"),
        ({"time": datetime(2026, 1, 5)}, "has no zone"),
    ],
)
def test_an_answer_that_cannot_be_counted_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(PredictionsError, match=told):
        answer(**changes)


def test_what_is_no_log_is_refused(tmp_path: Path, log: AnswerLog) -> None:
    (tmp_path / "text").write_text("no database at all, but long enough to be one" * 40)
    with pytest.raises(ConfigurationError, match="is no log of answers"):
        AnswerLog(tmp_path / "text", KEY)
    with pytest.raises(StorageUnreachableError, match="cannot be opened"):
        AnswerLog(tmp_path / "no" / "log.db", KEY)
    with pytest.raises(ConfigurationError, match="There is no log"):
        read_answers(tmp_path / "absent.db")
    with pytest.raises(ConfigurationError, match=r"Rows are about 'patient'\. Give one of image, study, accession"):
        log.add_outcomes({"PATIENT1": 1}, "patient")
    with pytest.raises(PredictionsError, match=r"Labels hold \['2'\]"):
        log.add_outcomes({"IMAGE1": 2}, "image")


def fill(log: AnswerLog, n_months: int = 3, n: int = 200) -> None:
    """Months from January 2026 on; labels are known but of every tenth image."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n_months * n)
    answers = [
        answer(
            k,
            float(1 / (1 + np.exp(-2 * labels[k] + 1 - rng.normal()))),
            time=datetime(2026, 1 + k // n, 1, tzinfo=timezone.utc) + timedelta(days=k % 27),
            attributes={"sex": ("female", "male")[k % 2]},
        )
        for k in range(n_months * n)
    ]
    log.add(answers, MODEL, 0.6)
    log.add_outcomes({f"ACCESSION{k}": int(label) for k, label in enumerate(labels) if k % 10}, "accession")


def test_the_log_is_audited_window_by_window_and_the_running_one_waits(log: AnswerLog) -> None:
    fill(log)
    over_time = OverTime("time", rule=Surveillance(n_draws=10_000))
    for today, names in (
        (date(2026, 3, 31), ["2026-01", "2026-02"]),
        (date(2026, 4, 1), ["2026-01", "2026-02", "2026-03"]),
    ):
        report = audit_log(log.path, over_time, today=today, attributes="sex", resampling=None).to_dict()
        assert [window["name"] for window in report["windows"]["each"]] == names
        assert [(window["n"], window["n_without_label"]) for window in report["windows"]["each"]] == [(180, 20)] * len(
            names
        )
        assert report["threshold"]["value"] == 0.6
    with pytest.raises(PredictionsError, match="600 answers of this model, and none in a window that is over"):
        audit_log(log.path, over_time, today=date(2026, 1, 20), attributes="sex", resampling=None)
