"""Tables are read as they are written, quickly, and nothing is guessed."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_fairtune.audit import audit, read_table
from monai_fairtune.exceptions import PredictionsError
from tests.audit.tables import table

COLUMNS = ["patient_id", "label", "score", "sex", "age"]


def test_a_csv_and_a_parquet_file_give_the_same_audit(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = table()
    rows.to_csv(tmp_path / "t.csv", index=False)
    rows.to_parquet(tmp_path / "t.parquet")
    reports = []
    for name in ("t.csv", "t.parquet"):
        read, _ = read_table(tmp_path / name, COLUMNS, numbers=["score"])
        how = {"label": "label", "score": "score", "attributes": ["sex", "age:60"], "patient": "patient_id"}
        reports.append(audit(read, threshold=0.5, **how).to_dict() | {"audit": None})  # type: ignore[arg-type]
    assert reports[0] == reports[1]


def test_scores_are_read_to_the_last_digit(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).random(1000)
    pd.DataFrame({"score": scores}).to_csv(tmp_path / "t.csv", index=False)
    read, _ = read_table(tmp_path / "t.csv", ["score"], numbers=["score"])
    assert (read["score"].to_numpy() == scores).all()


def test_text_stays_as_it_is_written_and_blank_cells_are_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('\ufeffpatient_id,label,score,sex\n007,1,0.5,NA\n"1,5",0,,\n', encoding="utf-8")
    read, source = read_table(tmp_path / "t.csv", ["patient_id", "label", "score", "sex"], numbers=["score"])
    assert read["patient_id"].tolist() == ["007", "1,5"]
    assert read["sex"].tolist() == ["NA", ""]
    assert np.isnan(read["score"][1])
    assert source == {"file": "t.csv", "sha256": hashlib.sha256((tmp_path / "t.csv").read_bytes()).hexdigest()}


def test_a_score_that_is_no_number_is_shown_in_the_refusal(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("label,score,sex\n1,high,f\n0,0.5,m\n")
    read, _ = read_table(tmp_path / "t.csv", ["label", "score", "sex"], numbers=["score"])
    with pytest.raises(PredictionsError, match=r"The scores hold \['high'\]"):
        audit(read, label="label", score="score", attributes="sex")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"label\n1\n", "has no column 'score'; its columns are"),
        (b"label,score,score\n1,0.5,0.5\n", "several columns"),
        (b"label,score\n", "has a header and no rows"),
        (b"", "has no column 'label' and no column 'score'"),
        (b"label,score\n1,\xff\n", "cannot be read"),
        (b"label,score,x\n1,0.5,\n1,0.5,3,4,5\n", r"1 rows of .* have more or fewer cells .*the first: row 2"),
        (b"label,score,x\n1,0.5,a\n1,0.5,a,\n", r"1 rows of .* have more or fewer cells"),
        (b"label,score,x\n1,0.5\n1,0.5,a\n", r"1 rows of .* have more or fewer cells .*the first: row 1"),
    ],
    ids=["column", "twice", "rows", "empty", "encoding", "much longer", "longer", "shorter"],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(PredictionsError, match=message):
        read_table(tmp_path / "t.csv", ["label", "score"], numbers=["score"])


def test_a_file_that_is_not_there_or_no_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"There is no file '.*none\.csv'"):
        read_table(tmp_path / "none.csv", ["label"], numbers=[])
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"not parquet")
    with pytest.raises(PredictionsError, match="cannot be read"):
        read_table(tmp_path / "t.parquet", ["label"], numbers=[])


def test_thirty_thousand_rows_in_the_style_of_real_metadata_are_audited_in_seconds(shared: Path) -> None:
    """HAM10000's own columns three times over: 57 blank ages, ``unknown`` sex, several images of one lesion."""
    real = pd.read_csv(shared / "data" / "metadata" / "HAM10000" / "HAM10000_metadata.csv")
    rows = pd.concat([real.assign(lesion_id=real["lesion_id"] + f"-{copy}") for copy in range(3)], ignore_index=True)
    rng = np.random.default_rng(0)
    malignant = rows["dx"].isin(["mel", "bcc", "akiec"])
    started = time.perf_counter()
    found = audit(
        rows,
        label=malignant,
        score=1 / (1 + np.exp(-(2.0 * malignant - 1 + rng.normal(size=len(rows))))),
        attributes=["sex", "age:60", "sex*age:60"],
        patient="lesion_id",
        threshold=0.5,
        merge_small=True,
    ).to_dict()
    assert time.perf_counter() - started < 20
    assert (found["n"], found["n_patients"]) == (30045, 3 * real["lesion_id"].nunique())
    assert found["attributes"]["age:60"]["n_missing"] == 3 * 57
    assert found["attributes"]["sex"]["subgroups"]["female"]["n"] == 3 * int((real["sex"] == "female").sum())
