"""Files of splits that test every patient once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monai_fairtune.cohort import Cohort, draw_test_folds
from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.exceptions import ConfigurationError, SplitError
from monai_fairtune.subgroups import SensitiveAttribute

Write = Callable[..., Path]
Rows = Callable[..., list[dict[str, object]]]
ATTRIBUTES = SensitiveAttribute.parse_all(["sex", "age:60"])


@pytest.fixture
def manifest(write_manifest: Write, rows: Rows) -> Path:
    return write_manifest(rows(120, 2))


def write(manifest: Path, folder: Path, n_folds: int = 4, **how: Any) -> dict[str, Any]:
    return draw_test_folds(manifest, ATTRIBUTES, n_folds, **how).write(folder)


def cohorts(manifest: Path, folder: Path, found: dict[str, Any]) -> list[Cohort]:
    files = [folder / "folds" / fold["file"] for fold in found["folds"]]
    return [Cohort.from_manifest(manifest, ATTRIBUTES, split_file=file) for file in files]


def test_every_patient_is_tested_in_one_file_and_never_learned_from_there(manifest: Path, tmp_path: Path) -> None:
    read = cohorts(manifest, tmp_path, write(manifest, tmp_path))
    tested = [set(cohort.patient_ids[cohort.splits == "test"]) for cohort in read]
    assert [cohort.n for cohort in read] == [240] * 4
    assert sum(map(len, tested)) == len(set.union(*tested)) == 120
    for cohort, patients in zip(read, tested, strict=True):
        assert not patients & set(cohort.patient_ids[cohort.splits != "test"])


def test_folds_resemble_one_another_in_labels_and_subgroups(manifest: Path, tmp_path: Path) -> None:
    read = cohorts(manifest, tmp_path, write(manifest, tmp_path))
    for label in (0, 1):
        for attribute in ("sex", "age:60"):
            for name in read[0].subgroups[attribute].names:
                n = [
                    int((dict(cohort.subgroups[attribute].items())[name] & (cohort.labels == label)
                         & (cohort.splits == "test")).sum())
                    for cohort in read
                ]  # fmt: skip
                assert max(n) - min(n) <= 4, (label, attribute, name)  # two images a patient


def test_the_other_splits_share_the_other_folds_in_proportion(manifest: Path, tmp_path: Path) -> None:
    found = write(manifest, tmp_path, split_fractions=[0.4, 0.4, 0.2])
    (first, *_) = cohorts(manifest, tmp_path, found)
    assert [len(first.indices(split)) / 180 for split in first.split_names[:3]] == pytest.approx(
        [0.5, 0.25, 0.25], abs=0.03
    )
    assert found["rule"] == (
        "Folds and splits are drawn by patient, stratified by label and sex, age:60, with seed 0; of the patients not "
        "tested: train 0.5, validation 0.25, selection 0.25."
    )


def test_the_record_has_each_files_hash_and_what_it_tests(manifest: Path, tmp_path: Path) -> None:
    found = write(manifest, tmp_path)
    assert found == json.loads((tmp_path / "folds" / "folds.json").read_text())
    for fold, cohort in zip(found["folds"], cohorts(manifest, tmp_path, found), strict=True):
        assert fold["sha256"] == file_sha256(tmp_path / "folds" / fold["file"])
        assert fold["test"] == cohort.counts()["splits"]["test"]
    assert found["manifest_sha256"] == file_sha256(manifest)


def test_folds_follow_seed_and_number_and_not_the_order_of_rows(
    write_manifest: Write, rows: Rows, tmp_path: Path
) -> None:
    def hashes(given: list[dict[str, object]], **how: Any) -> list[str]:
        found = write(write_manifest(given, images=False), tmp_path / "out", **how)
        return [fold["sha256"] for fold in found["folds"]]

    made = rows(60, 2)
    assert hashes(made) == hashes(made[::-1])
    assert not set(hashes(made)) & set(hashes(made, seed=1))
    assert not set(hashes(made)) & set(hashes(made, n_folds=3))


def test_the_folds_of_a_cohort_are_known_on_every_machine(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    found = write(write_manifest(rows(60, 2), images=False), tmp_path, 2)
    assert [fold["sha256"][:16] for fold in found["folds"]] == ["f719fdbea325ba22", "105d04d10204b5fe"]


def test_fewer_folds_leave_no_file_of_an_earlier_call(manifest: Path, tmp_path: Path) -> None:
    write(manifest, tmp_path, 4)
    write(manifest, tmp_path, 3)
    assert sorted(path.name for path in (tmp_path / "folds").iterdir()) == [
        "fold_1.csv", "fold_2.csv", "fold_3.csv", "folds.json",
    ]  # fmt: skip


def test_a_filter_chooses_the_rows(manifest: Path, tmp_path: Path) -> None:
    found = write(manifest, tmp_path, where="sex=female")
    assert found["where"] == "sex=female"
    names = set(pd.read_csv(tmp_path / "folds" / "fold_1.csv")["image"])
    table = pd.read_csv(manifest)
    assert names == set(table["image"][table["sex"] == "female"])


def test_folds_that_cannot_be_used_are_refused(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    manifest = write_manifest(rows(16), images=False)
    with pytest.raises(ConfigurationError, match="number of folds is 1"):
        write(manifest, tmp_path, 1)
    with pytest.raises(SplitError, match=r"9 folds were asked for, and 8 patients have images of class 0"):
        write(manifest, tmp_path, 9)
    rare = write_manifest([{**row, "label": int(k < 3)} for k, row in enumerate(rows(16))], images=False)
    with pytest.raises(SplitError, match=r"Of 3 folds, fold \d cannot be used: The \w+ split holds"):
        write(rare, tmp_path, 3)
    assert not (tmp_path / "folds").exists()
