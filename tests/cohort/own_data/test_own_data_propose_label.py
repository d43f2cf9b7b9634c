from __future__ import annotations

from typing import Any

import pytest

from tests.cohort.own_data.conftest import Desk
from tests.cohort.own_data.hospital import YES_NO, accession, rows


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"smoker": YES_NO, "label": ["1", "0"]}, {"column": "label", "values": {"0": 0, "1": 1}}),
        ({"smoker": YES_NO}, {"column": "smoker", "values": {"no": 0, "yes": 1}}),
        ({"sex": ["1", "0"], "Diagnosis": ["Benign", "malignant", "unknown"]},
         {"column": "Diagnosis", "values": {"Benign": 0, "malignant": 1, "unknown": "drop"}}),
        ({"list": [True, False], "target": [1.0, 0.0, None]},
         {"column": "target", "values": {"": "drop", "0": 0, "1": 1}}),
    ],
)  # fmt: skip
def test_a_label_that_only_one_column_can_be_is_proposed(desk: Desk, columns: Any, label: Any) -> None:
    assert desk.propose(rows(accession=accession, **columns))["label"] == label
    assert not any("label" in question for question in desk.proposal.questions)


@pytest.mark.parametrize(
    ("columns", "column", "question"),
    [
        ({"smoker": YES_NO, "pneumonia": ["0", "1"]}, None, "Candidates: 'smoker', 'pneumonia'."),
        ({"diagnosis": ["1", "0"], "label": ["1", "0"]}, None, "Candidates: 'diagnosis', 'label'."),
        ({"sex": ["0", "1"], "ward": ["A", "B"]}, None, "Candidates: none looks like one: 'ward' (2 values)."),
        (
            {"Befund positiv?": ["ja", "nein", "unklar"]},
            "Befund positiv?",
            "mean, 1, 0 or drop: 'ja' (4), 'nein' (4), 'unklar' (4)?",
        ),
        ({"Result": ["yes", "no", "unclear"]}, "Result", "mean, 1, 0 or drop: 'no' (4), 'unclear' (4), 'yes' (4)?"),
        ({"Oedema": ["yes", "no", "unclear"]}, "Oedema", "mean, 1, 0 or drop: 'no' (4), 'unclear' (4), 'yes' (4)?"),
        ({"dx": ["nv", "mel"]}, "dx", "mean, 1, 0 or drop: 'mel' (6), 'nv' (6)?"),
        ({"label": ["0", "1", "-1"]}, "label", "mean, 1, 0 or drop: '-1' (4), '0' (4), '1' (4)?"),
        ({"label": ["yes", "unknown"]}, "label", "mean, 1, 0 or drop: 'unknown' (6), 'yes' (6)?"),
    ],
)
def test_a_label_that_is_not_certain_is_a_question(desk: Desk, columns: Any, column: str | None, question: str) -> None:
    mapping = desk.propose(rows(accession=accession, **columns))
    assert mapping["label"]["column"] == column
    assert any(question in each for each in desk.proposal.questions)


def test_above_an_open_label_stand_the_candidates_with_their_counts(desk: Desk) -> None:
    desk.propose(rows(accession=accession, smoker=YES_NO, oedema=YES_NO))
    above = desk.proposal.path.read_text().partition("label:")[0]
    assert "# column 'smoker': 'no' (6), 'yes' (6)\n# column 'oedema': 'no' (6), 'yes' (6)\n" in above


def test_above_an_open_label_stand_columns_that_do_not_look_like_one_without_their_values(desk: Desk) -> None:
    desk.propose(rows(accession=accession, doctor=lambda k: f"Dr. {k % 3}", ward=["A"]))
    text = desk.proposal.path.read_text()
    assert "# column 'doctor' (3 values)\n# column 'ward' (1 value)\nlabel:" in text
    assert "Dr." not in text


def test_splits_are_taken_over_only_where_labelled_rows_reach_all_three(desk: Desk) -> None:
    splits = ["train", "val", "test"]
    mapping = desk.propose(rows(accession=accession, label=["1", "0"], split=splits))
    assert mapping["split"] == {"column": "split", "values": {"test": "test", "train": "train", "val": "validation"}}
    desk.proposal.path.unlink()
    label = ["1", "0", "", "0", "1", ""]
    assert desk.propose(rows(accession=accession, label=label, split=splits))["split"] is None
    assert (
        "# column 'split' does not send labelled rows to train, validation and test" in desk.proposal.path.read_text()
    )
