from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_fairtune.cohort import Cohort
from monai_fairtune.cohort.folds import deal_folds
from monai_fairtune.exceptions import ConfigurationError, SplitError
from monai_fairtune.subgroups import SensitiveAttribute

Write = Callable[..., Path]
Rows = Callable[..., list[dict[str, object]]]


def _read(manifest: Path, **options: Any) -> Cohort:
    return Cohort.from_manifest(manifest, SensitiveAttribute.parse_all(["sex", "age:60"]), **options)


@pytest.fixture
def cohort(write_manifest: Write, rows: Rows) -> Cohort:
    return _read(write_manifest(rows(200, 2)))


def test_folds_are_all_of_train_and_validation_and_nothing_else(cohort: Cohort) -> None:
    folds = cohort.folds(4)
    assert set(folds[np.isin(cohort.splits, ["train", "validation"])]) == {0, 1, 2, 3}
    assert set(folds[np.isin(cohort.splits, ["selection", "test"])]) == {-1}


def test_a_patient_is_in_one_fold(cohort: Cohort) -> None:
    folds = cohort.folds(5)
    for patient in np.unique(cohort.patient_ids):
        assert len(set(folds[cohort.patient_ids == patient])) == 1


def test_folds_resemble_one_another_in_labels_and_subgroups(cohort: Cohort) -> None:
    folds, n_folds = cohort.folds(4), 4
    in_folds = folds >= 0
    for group in cohort.subgroups.values():
        for code in range(len(group.names)):
            member = group.codes == code
            for label in (0, 1):
                stratum = in_folds & member & (cohort.labels == label)
                counts = np.bincount(folds[stratum], minlength=n_folds)
                # Two images a patient: no fold is more than two patients off its due.
                assert np.abs(counts - stratum.sum() / n_folds).max() <= 4


def test_folds_follow_the_seed_and_not_the_order_of_rows(write_manifest: Write, rows: Rows) -> None:
    split = ["train", "validation", "selection", "test", "train"]
    made = rows(120, 1, split)
    first, again = (_read(write_manifest(made, name=f"{number}.csv"), seed=3) for number in range(2))
    turned = _read(write_manifest(made[::-1], name="turned.csv"), seed=3)
    other = _read(write_manifest(made, name="other.csv"), seed=4)

    def by_name(cohort: Cohort) -> dict[str, int]:
        return dict(zip(cohort.image_names, cohort.folds(3).tolist(), strict=True))

    assert by_name(first) == by_name(again) == by_name(turned)
    assert by_name(first) != by_name(other)


def test_folds_of_another_number_are_dealt_anew(cohort: Cohort) -> None:
    two, four = cohort.folds(2), cohort.folds(4)
    assert not np.array_equal(two[four == 0], np.full((four == 0).sum(), two[four == 0][0]))


def test_fold_counts_say_what_each_fold_trains_and_validates_on(cohort: Cohort) -> None:
    folds, counts = cohort.folds(3), cohort.fold_counts(3)
    assert len(counts) == 3
    for fold, counted in enumerate(counts):
        held = folds == fold
        assert counted["validation"]["n"] == int(held.sum())
        assert counted["train"]["n"] == int(((folds >= 0) & ~held).sum())
        assert counted["validation"]["n_positive"] == int(cohort.labels[held].sum())
        cell = counted["validation"]["attributes"]["sex"]["subgroups"]["female"]
        member = dict(cohort.subgroups["sex"].items())["female"]
        assert cell["n_positive"] == int(cohort.labels[held & member].sum())


def test_numbers_of_folds_that_cannot_be_dealt_are_refused(cohort: Cohort) -> None:
    with pytest.raises(ConfigurationError, match=r"number of folds is 1\. Give 2 or more"):
        cohort.folds(1)
    with pytest.raises(SplitError, match=r"1000 folds were asked for, and \d+ patients have images of class 0"):
        cohort.folds(1000)


def test_as_many_folds_as_the_rarer_class_has_patients_each_hold_one_of_them_and_more_are_refused() -> None:
    ids, labels = np.array([f"p{k}" for k in range(30)]), (np.arange(30) % 5 == 0).astype(np.int64)
    folds = deal_folds(ids, labels, {}, 6, seed=0, purpose="folds")
    assert set(folds[labels == 1].tolist()) == set(range(6))
    with pytest.raises(SplitError, match="7 folds were asked for, and 6 patients have images of class 1"):
        deal_folds(ids, labels, {}, 7, seed=0, purpose="folds")


def test_folds_cannot_be_changed_by_who_reads_them(cohort: Cohort) -> None:
    with pytest.raises(ValueError, match="read-only"):
        cohort.folds(2)[0] = 1
