"""Predictions that were written are read back the same, under pseudonyms, and no cell is a formula."""

from __future__ import annotations

import csv
import hashlib
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.predictions import (
    Identifiers,
    Predictions,
    pseudonym,
    read_predictions,
    safe_cell,
    true_cell,
    write_csv,
    write_predictions,
)
from monai_fairtune.subgroups import Subgroups

HOSTILE = ("=cmd|'/C calc'!A0", '<script>"x",y</script>', "two\nlines\r", "'s-Gravenhage", "'=1", "ש", "empty")


def hostile() -> Predictions:
    return Predictions(
        [0, 1, 1, 0, 1, 0, 1],
        [0.1, 0.1 + 0.2, 1 / 3, 0.0, 1.0, 5e-324, 0.5],
        kind="probability",
        subgroups={
            "=name": Subgroups("=name", HOSTILE, [0, 1, 2, 3, 4, 5, -1]),
            "label": Subgroups("label", ("a",), [0] * 7),
        },
        patient_ids=["p1", "p1", "-7", "@x", "p3", "p4", "p5"],
        sample_ids=[f"images/{i}.png" for i in range(7)],
    )


def read(path: Path, predictions: Predictions, **kept: str) -> Predictions:
    names = {name: group.names for name, group in predictions.subgroups.items()}
    return read_predictions(path, kind=predictions.kind, names=names, **kept)


def test_what_was_written_is_read_back_the_same_with_hostile_names(tmp_path: Path) -> None:
    written = hostile()
    entry = write_predictions(tmp_path / "predictions.csv", written)
    again = read(tmp_path / "predictions.csv", written, sha256=entry["sha256"])
    assert again.scores.tolist() == written.scores.tolist()
    assert again.labels.tolist() == written.labels.tolist()
    for name, group in written.subgroups.items():
        assert (again.subgroups[name].names, again.subgroups[name].codes.tolist()) == (
            group.names,
            group.codes.tolist(),
        )
    assert again.patient_ids.tolist() == [pseudonym(name) for name in written.patient_ids.tolist()]


def test_no_cell_of_it_is_a_formula_and_no_id_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    write_predictions(path, hostile())
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n")] == []
    assert "'=cmd|'/C calc'!A0" in cells
    assert "images/" not in path.read_text(encoding="utf-8")
    assert "p1" not in cells


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    write_predictions(tmp_path / "predictions.csv", hostile())
    assert stat.S_IMODE((tmp_path / "predictions.csv").stat().st_mode) == 0o600


def test_a_pseudonym_is_the_head_of_the_ids_sha256() -> None:
    assert pseudonym("p1") == hashlib.sha256(b"p1").hexdigest()[:16]


def test_under_a_key_nobody_can_try_ids_out_and_files_of_one_key_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, ids = tmp_path / "predictions.csv", []
    for key in (None, "k" * 32, "k" * 32, "l" * 32):
        if key is not None:
            monkeypatch.setenv("FAIRTUNE_PSEUDONYM_KEY", key)
        entry = write_predictions(path, hostile())
        assert entry["keyed"] == (key is not None)
        again = read(path, hostile())
        assert again.sample_ids is not None
        ids.append((*again.patient_ids.tolist(), *again.sample_ids.tolist()))
        if key is not None:
            assert key not in path.read_text(encoding="utf-8")
    plain, first, second, other = ids
    assert first == second
    assert not set(plain) & set(first)
    assert not set(first) & set(other)
    monkeypatch.setenv("FAIRTUNE_PSEUDONYM_KEY", "short")
    with pytest.raises(ConfigurationError, match="The key in FAIRTUNE_PSEUDONYM_KEY has 5 characters"):
        write_predictions(path, hostile())


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    path, written = tmp_path / "predictions.csv", hostile()
    entry = write_predictions(path, written)
    path.write_text(path.read_text(encoding="utf-8").replace("0.5", "0.6"), encoding="utf-8")
    with pytest.raises(PredictionsError, match=r"is not the file that report\.json was written with"):
        read(path, written, sha256=entry["sha256"])


def test_a_file_that_is_absent_or_has_other_columns_or_other_subgroups_is_refused(tmp_path: Path) -> None:
    path, written = tmp_path / "predictions.csv", hostile()
    with pytest.raises(PredictionsError, match=r"There is no predictions\.csv"):
        read(path, written)
    write_predictions(path, written)
    with pytest.raises(PredictionsError, match="has the columns"):
        read_predictions(path, kind="logit", names={"sex": ("f", "m")})
    with pytest.raises(PredictionsError, match=r"'label' has the subgroups \['a'\] in predictions\.csv and \['b'\]"):
        read_predictions(path, kind="probability", names={"=name": HOSTILE, "label": ("b",)})


@given(st.text(max_size=8) | st.text(alphabet="'=+-@\t\ra1", max_size=6))
def test_a_safe_cell_never_begins_a_formula_and_its_text_can_be_had_again(text: str) -> None:
    cell = safe_cell(text)
    assert isinstance(cell, str)
    assert cell[:1] not in tuple("=+-@\t\r\n")
    assert true_cell(cell) == text


def test_numbers_stay_numbers_and_the_header_is_made_safe_too(tmp_path: Path) -> None:
    table = pd.DataFrame({"+n": [-1.5, np.nan], "mixed": [-2, "-2"], "category": pd.Categorical(["@a", "b"])})
    write_csv(tmp_path / "t.csv", table)
    assert (tmp_path / "t.csv").read_text() == "'+n,mixed,category\n-1.5,-2,'@a\n,'-2,b\n"


def test_equal_text_is_one_patient_whatever_the_type_and_the_order() -> None:
    ids = Identifiers.read(np.array([7, "7", "b", "a"], dtype=object))
    assert (ids.n, ids.codes.tolist(), ids.text.tolist()) == (3, [0, 0, 2, 1], ["7", "7", "b", "a"])
    part = ids.take([2, 0])
    assert (part.n, part.codes.tolist(), part.text.tolist()) == (2, [1, 0], ["b", "7"])


def test_ids_that_are_missing_or_no_vector_are_refused() -> None:
    with pytest.raises(PredictionsError, match=r"1 of 2 sample ids are missing\. Give every image one"):
        Identifiers.read(np.array(["a", None], dtype=object), "sample ids")
    with pytest.raises(PredictionsError, match=r"The patient ids have shape \(1, 2\)"):
        Identifiers.read([["a", "b"]])


def test_a_sample_that_comes_twice_is_refused() -> None:
    with pytest.raises(PredictionsError, match="1 of 2 sample ids repeat another"):
        Predictions([0, 1], [0.1, 0.2], kind="logit", subgroups={}, sample_ids=["a", "a"])


def test_taking_samples_takes_their_ids() -> None:
    ids = hostile().take([4, 2]).sample_ids
    assert ids is not None
    assert ids.tolist() == ["images/4.png", "images/2.png"]
