"""`monai-fairtune in-use` from a table of answers to a report with alarms."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pandas as pd
import pytest

from monai_fairtune.cli import main
from monai_fairtune.deploy.in_use import read_answers
from tests.audit.timed_tables import timed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The answers of the last two months that are over, and their outcomes."""
    monkeypatch.delenv("FAIRTUNE_PSEUDONYM_KEY", raising=False)
    (tmp_path / "key").mkdir()
    now = pd.Period(datetime.now(timezone.utc), "M")
    months = {f"2026-{k:02d}": str(month) for k, month in ((1, now - 2), (2, now - 1))}
    rows = timed(2, fall_from=1).assign(
        time=lambda t: t["time"].str[:7].map(months) + t["time"].str[7:], study=lambda t: t["image"]
    )
    rows["image"] = "1.2.3." + rows["image"].astype(str)
    rows.drop(columns=["label", "age"]).to_csv(tmp_path / "answers.csv", index=False)
    rows[["study", "label"]].to_csv(tmp_path / "outcomes.csv", index=False)
    rows[["patient_id", "age"]].to_csv(tmp_path / "ages.csv", index=False)
    return tmp_path


def run(folder: Path, job: str, *arguments: str, table: str = "", key: str = "key/k") -> int:
    named = [str(folder / table)] if table else []
    with_key = ["--key-file", str(folder / key)] if table else []
    return main(["in-use", job, str(folder / "log.db"), *named, *with_key, *arguments])


def add(
    folder: Path, *, key: str = "key/k", sha256: str = "a" * 64, threshold: str = "0.5", attribute: str = "sex"
) -> int:
    model = ["--model-sha256", sha256, "--threshold", threshold, "--study", "study", "--attribute", attribute]
    return run(folder, "add", *model, table="answers.csv", key=key)


def test_from_answers_and_outcomes_to_alarms(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(folder) == 0
    assert "800 answers added, 0 known already." in capsys.readouterr().out
    assert add(folder) == 0
    assert "0 answers added, 800 known already." in capsys.readouterr().out
    assert run(folder, "outcomes", "--by", "study", "--id", "study", table="outcomes.csv") == 0
    assert "800 labels added, 0 known already." in capsys.readouterr().out
    assert (
        run(folder, "attributes", "--by", "patient", "--id", "patient_id", "--attribute", "age", table="ages.csv") == 0
    )
    capsys.readouterr()
    how = ["--attribute", "sex", "age:60", "--replicates", "0", "--json", "--fail-on-alarm"]
    assert run(folder, "audit", *how, "--output-dir", str(folder / "out")) == 1
    report = json.loads(capsys.readouterr().out)
    assert [window["n"] for window in report["windows"]["each"]] == [400, 400]
    assert ("auroc", "male") in {(alarm["measure"], alarm["subgroup"]) for alarm in report["alarms"]}
    assert (folder / "out" / "report.html").is_file()


def test_a_key_beside_the_log_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(folder, key="k") == 2
    assert "The key file lies beside the log" in capsys.readouterr().err
    assert not (folder / "log.db").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"time": "yesterday"}, "800 have no time and 0 no score"),
        ({"score": "high"}, "0 have no time and 800 no score"),
        ({"score": "2.5"}, "the probability 2.5"),
        ({"patient_id": ""}, "no id of its image or patient"),
    ],
)
def test_answers_that_cannot_be_read_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], told: str
) -> None:
    pd.read_csv(folder / "answers.csv").assign(**changes).to_csv(folder / "answers.csv", index=False)
    assert add(folder) == 2
    assert told in capsys.readouterr().err


def test_times_are_read_with_a_zone_in_letters_and_fractions_of_a_second(folder: Path) -> None:
    times = ["2026-01-05T12:00:00Z", "2026-01-05T12:00:00.123456789Z", "2026-01-05T13:00:00+01:00", "2026-01-05 12:00"]
    rows = pd.read_csv(folder / "answers.csv")[:4].assign(time=times)
    rows.to_csv(folder / "answers.csv", index=False)
    assert add(folder) == 0
    assert set(read_answers(folder / "log.db").table["time"]) == {"2026-01-05T12:00:00+00:00"}


def test_outcomes_that_differ_for_one_id_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.DataFrame({"study": [1, 1, 2], "label": ["0", "1", "maybe"]}).to_csv(folder / "outcomes.csv", index=False)
    assert run(folder, "outcomes", "--by", "study", "--id", "study", table="outcomes.csv") == 2
    assert "holds ['maybe'] beside 0 and 1, and 1 ids have two labels" in capsys.readouterr().err


def test_ids_that_no_answer_has_and_values_that_are_known_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(folder) == 0
    pd.DataFrame({"study": [0, 1, -7], "label": [0, 1, 1]}).to_csv(folder / "outcomes.csv", index=False)
    for _ in range(2):
        assert run(folder, "outcomes", "--by", "study", "--id", "study", table="outcomes.csv") == 0
    out = capsys.readouterr().out
    assert "0 labels added, 3 known already." in out
    assert "1 ids are of no answer so far" in out


def test_another_threshold_and_other_attributes_of_a_known_image_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(folder) == 0
    rows = pd.read_csv(folder / "answers.csv")
    rows.loc[:4, "sex"] = "other"
    rows.to_csv(folder / "answers.csv", index=False)
    assert add(folder, threshold="0.4") == 0
    out = capsys.readouterr().out
    assert "5 attributes of images had another value before" in out
    assert "has this model with the threshold 0.5, not 0.4" in out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"threshold": "50"}, "threshold is 50.0"),
        ({"threshold": "nan"}, "threshold is nan"),
        ({"sha256": "abc"}, "'abc'. Give its 64 hexadecimal digits"),
        ({"attribute": "label"}, "Attributes are called ['label']"),
    ],
)
def test_a_mistaken_call_adds_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], told: str
) -> None:
    pd.read_csv(folder / "answers.csv").assign(label="1").to_csv(folder / "answers.csv", index=False)
    assert add(folder, **changes) == 2
    assert told in capsys.readouterr().err
    assert add(folder) == 0
    assert "800 answers added, 0 known already." in capsys.readouterr().out
