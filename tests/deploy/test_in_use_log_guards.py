"""What would spoil a log that nobody can change is refused, and what is known already is not written again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.deploy import ModelIdentity
from monai_fairtune.deploy.in_use import Added, Answer, AnswerLog, Recorded, read_answers
from monai_fairtune.deploy.in_use.log_file import writing
from monai_fairtune.exceptions import ConfigurationError, PredictionsError

KEY = b"k" * 64
MODEL = ModelIdentity("net", "1.0", "ab" * 32)
FIRST = Answer("I1", "P1", 0.5, datetime(2026, 1, 5, tzinfo=timezone.utc))


@pytest.fixture
def log(tmp_path: Path) -> AnswerLog:
    return AnswerLog(tmp_path / "log.db", KEY)


def values(log: AnswerLog, name: str) -> list[object]:
    return list(read_answers(log.path).table[name])


def count(log: AnswerLog, table: str) -> int:
    with closing(sqlite3.connect(log.path)) as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours


@pytest.mark.parametrize("name", ["image", "patient", "time", "score", "label", ""])
def test_an_attribute_that_no_audit_could_read_is_refused(log: AnswerLog, name: str) -> None:
    with pytest.raises(PredictionsError, match="Attributes are called"):
        replace(FIRST, attributes={name: "x"})
    with pytest.raises(PredictionsError, match="Attributes are called"):
        log.add_attributes({"P1": {name: "x"}}, "patient")
    assert count(log, "recorded") == 0


@pytest.mark.parametrize("threshold", [50.0, -0.1, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused_with_its_answers(log: AnswerLog, threshold: float) -> None:
    with pytest.raises(ConfigurationError, match=r"threshold is .* Give a probability in \[0, 1\]"):
        log.add([FIRST], MODEL, threshold)
    assert (count(log, "models"), count(log, "answers")) == (0, 0)


def test_another_threshold_of_a_known_model_is_told_and_the_first_stays(log: AnswerLog) -> None:
    assert log.add([FIRST], MODEL, 0.5) == Added(1, 0, 0)
    assert log.add([FIRST], MODEL, 0.4) == Added(0, 1, 0, first_threshold=0.5)
    assert read_answers(log.path).threshold == 0.5


def test_a_model_is_the_same_however_its_digits_are_written_and_no_other_text_is_one(log: AnswerLog) -> None:
    log.add([FIRST], MODEL, 0.5)
    assert log.add([FIRST], replace(MODEL, sha256="AB" * 32), 0.5) == Added(0, 1, 0)
    assert read_answers(log.path, "ABAB").model == "ab" * 32
    with pytest.raises(ConfigurationError, match="Give its 64 hexadecimal digits"):
        log.add([FIRST], replace(MODEL, sha256="the latest"), 0.5)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO models VALUES ('{sha256}', 'net', '1.0', 0.9)",
        "INSERT OR IGNORE INTO models VALUES ('{sha256}', 'net', '1.0', 0.9)",
        "INSERT OR REPLACE INTO answers SELECT image, study, accession, patient, time, model, 0.9 FROM answers",
        "INSERT OR REPLACE INTO recorded (rowid, scope, id, name, value, time) VALUES (1, 'image', 'x', 'a', 'b', '')",
        "INSERT OR REPLACE INTO about (rowid, key) VALUES (1, 'x')",
    ],
)
def test_rows_cannot_be_replaced(log: AnswerLog, statement: str) -> None:
    log.add([replace(FIRST, attributes={"sex": "f"})], MODEL, 0.5)
    with (
        closing(sqlite3.connect(log.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="added, never changed"),
    ):
        connection.execute(statement.format(sha256=MODEL.sha256))
    assert values(log, "score") == [0.5]


def test_the_latest_value_counts_also_within_one_second(log: AnswerLog) -> None:
    log.add([FIRST], MODEL, 0.5)
    for sex in ("f", "m", "f"):
        log.add_attributes({"P1": {"sex": sex}}, "patient")
    assert values(log, "sex") == ["f"]
    for label in (1, 0, 1):
        log.add_outcomes({"I1": label}, "image")
    assert values(log, "label") == ["1"]


def test_a_table_that_is_added_again_adds_nothing_and_ids_of_no_answer_are_counted(log: AnswerLog) -> None:
    log.add([FIRST], MODEL, 0.5)
    assert log.add_outcomes({"I1": 1, "I2": 0}, "image") == Recorded(2, 0, 1)
    assert log.add_outcomes({"I1": 1, "I2": 1}, "image") == Recorded(1, 1, 1)
    assert log.add_attributes({"P1": {"sex": "f", "race": ""}}, "patient") == Recorded(1, 0, 0)
    assert log.add_attributes({"P1": {"sex": "f"}}, "patient") == Recorded(0, 1, 0)
    assert count(log, "recorded") == 4
    log.add([replace(FIRST, image="I2")], MODEL, 0.5)
    assert values(log, "label") == ["1", "1"]


def test_labels_may_be_numbers_of_numpy(log: AnswerLog) -> None:
    log.add([FIRST], MODEL, 0.5)
    log.add_outcomes({"I1": np.int64(1)}, "image")  # type: ignore[dict-item] # a whole number all the same
    assert values(log, "label") == ["1"]


def test_attributes_that_come_with_a_known_image_fill_what_is_missing_and_do_not_undo_a_correction(
    log: AnswerLog,
) -> None:
    log.add([FIRST], MODEL, 0.5)
    assert log.add([replace(FIRST, attributes={"sex": "m"})], MODEL, 0.5) == Added(0, 1, 0)
    assert values(log, "sex") == ["m"]
    log.add_attributes({"I1": {"sex": "f"}}, "image")
    assert log.add([replace(FIRST, attributes={"sex": "m"})], MODEL, 0.5) == Added(0, 1, 0, n_other_values=1)
    assert values(log, "sex") == ["f"]


def test_a_database_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE pages (title)")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="is no log of answers but another database"):
        AnswerLog(path, KEY)
    with pytest.raises(ConfigurationError, match="is no log of answers but another database"):
        read_answers(path)
    assert path.read_bytes() == before


def test_a_row_that_the_file_refuses_is_not_told_as_another_file(log: AnswerLog) -> None:
    with pytest.raises(ConfigurationError, match="refuses a row: FOREIGN KEY"), writing(log.path) as connection:
        connection.execute("INSERT INTO answers VALUES ('i', '', '', 'p', '2026-01-05', 'no model', 0.5)")
