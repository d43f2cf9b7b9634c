from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.cohort import Cohort
from monai_fairtune.exceptions import ConfigurationError, SplitError
from monai_fairtune.subgroups import SensitiveAttribute

Write = Callable[..., Path]
Rows = Callable[..., list[dict[str, object]]]
SEX = SensitiveAttribute.parse_all("sex")
ALL_FOUR = ("train", "train", "validation", "selection", "test")
THREE = ("train", "val", "validation", "test")


def _shares(cohort: Cohort) -> list[float]:
    return [len(cohort.indices(split)) / cohort.n for split in cohort.split_names]


def test_four_named_splits_are_used_as_they_are(write_manifest: Write, rows: Rows) -> None:
    made = rows(split=ALL_FOUR)
    cohort = Cohort.from_manifest(write_manifest(made), SEX)
    assert cohort.splits.tolist() == [row["split"] for row in made]
    assert cohort.split_rule == "Splits are those of the manifest's column 'split'."


def test_val_is_validation_and_selection_is_half_of_it_by_patient(write_manifest: Write, rows: Rows) -> None:
    made = rows(80, 2, split=THREE)
    cohort = Cohort.from_manifest(write_manifest(made), SEX)
    assert _shares(cohort) == [0.25, 0.25, 0.25, 0.25]
    assert not set(cohort.patient_ids[cohort.indices("validation")]) & set(
        cohort.patient_ids[cohort.indices("selection")]
    )
    assert "Selection is half of validation, drawn by patient, stratified by label and sex, with seed 0." in (
        cohort.split_rule
    )


def test_without_a_column_splits_are_drawn_with_a_fifth_for_validation_and_selection_together(
    write_manifest: Write, rows: Rows
) -> None:
    cohort = Cohort.from_manifest(write_manifest(rows(200, 2)), SEX, seed=4)
    assert _shares(cohort) == pytest.approx([0.6, 0.1, 0.1, 0.2], abs=0.01)
    assert cohort.split_rule == (
        "Splits are drawn by patient, stratified by label and sex, with seed 4: "
        "train 0.6, validation 0.1, selection 0.1, test 0.2."
    )


def test_without_attributes_splits_are_stratified_by_label(write_manifest: Write, rows: Rows) -> None:
    cohort = Cohort.from_manifest(write_manifest(rows(100)), [])
    assert cohort.split_rule.startswith("Splits are drawn by patient, stratified by label, with seed 0")
    assert cohort.labels[cohort.indices("test")].mean() == 0.5


def test_split_fractions_redraw_what_the_manifest_says(write_manifest: Write, rows: Rows) -> None:
    path = write_manifest(rows(200, split=ALL_FOUR))
    cohort = Cohort.from_manifest(path, SEX, split_fractions=[0.5, 0.3, 0.2])
    assert _shares(cohort) == pytest.approx([0.5, 0.15, 0.15, 0.2], abs=0.01)


def test_a_drawn_split_does_not_depend_on_the_order_of_rows(write_manifest: Write, rows: Rows) -> None:
    made = rows(60, 2)
    forward = Cohort.from_manifest(write_manifest(made), SEX)
    backward = Cohort.from_manifest(write_manifest(made[::-1], name="backward.csv"), SEX)
    assert dict(zip(forward.image_names, forward.splits, strict=True)) == dict(
        zip(backward.image_names, backward.splits, strict=True)
    )


def test_train_fraction_drops_training_patients_and_nobody_else(write_manifest: Write, rows: Rows) -> None:
    path = write_manifest(rows(200, 2))
    full = Cohort.from_manifest(path, SEX)
    part = Cohort.from_manifest(path, SEX, train_fraction=0.25)
    assert len(part.indices("train")) == pytest.approx(len(full.indices("train")) / 4, abs=2)
    for split in ("validation", "selection", "test"):
        names = [[cohort.image_names[row] for row in cohort.indices(split)] for cohort in (full, part)]
        assert names[0] == names[1]
    assert part.n == len(part.images) == len(part.subgroups["sex"])
    assert "Train keeps 0.25 of its patients" in part.split_rule
    assert part.labels[part.indices("train")].mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "fractions",
    [[0.5, 0.5], [0.6, 0.2, 0.3], [0.8, 0.2, 0.0], [1.2, -0.4, 0.2], ["a", "b", "c"], [float("nan")] * 3, 1],
)
def test_split_fractions_that_are_not_three_positive_shares_of_one_are_refused(
    write_manifest: Write, rows: Rows, fractions: object
) -> None:
    with pytest.raises(ConfigurationError, match="three positive shares with sum 1"):
        Cohort.from_manifest(write_manifest(rows()), SEX, split_fractions=fractions)  # type: ignore[arg-type]


@pytest.mark.parametrize("fraction", [0, -1, 1.5, float("nan")])
def test_a_train_fraction_out_of_range_is_refused(write_manifest: Write, rows: Rows, fraction: float) -> None:
    with pytest.raises(ConfigurationError, match="train_fraction is"):
        Cohort.from_manifest(write_manifest(rows()), SEX, train_fraction=fraction)


def test_unknown_and_blank_split_names_are_refused(write_manifest: Write, rows: Rows) -> None:
    made = rows(split=ALL_FOUR)
    made[0]["split"], made[1]["split"] = "holdout", ""
    with pytest.raises(SplitError, match=r"holds \['', 'holdout'\] in 2 of 40 rows.*split_fractions"):
        Cohort.from_manifest(write_manifest(made), SEX)


def test_a_split_that_is_not_named_is_refused_with_those_that_are(write_manifest: Write, rows: Rows) -> None:
    with pytest.raises(SplitError, match=r"no image for validation; it holds \['test', 'train'\]"):
        Cohort.from_manifest(write_manifest(rows(split=("train", "test"))), SEX)


def test_a_patient_in_two_splits_is_refused_with_a_count_and_no_name(write_manifest: Write, rows: Rows) -> None:
    made = rows(40, 2, split=ALL_FOUR)
    made[0]["split"] = "test"
    with pytest.raises(
        SplitError, match=r"1 of 40 patients have images in more than one split.*split_fractions"
    ) as caught:
        Cohort.from_manifest(write_manifest(made), SEX)
    assert "p000" not in str(caught.value)
    assert Cohort.from_manifest(write_manifest(made), SEX, split_fractions=[0.6, 0.2, 0.2]).n == 80


def test_a_split_of_one_class_is_refused(write_manifest: Write, rows: Rows) -> None:
    made = [row for row in rows(split=ALL_FOUR) if row["split"] != "selection" or row["label"] == 0]
    with pytest.raises(SplitError, match="The selection split holds 4 images of class 0 and 0 of class 1"):
        Cohort.from_manifest(write_manifest(made), SEX)


def test_a_cohort_too_small_to_be_split_is_refused(write_manifest: Write, rows: Rows) -> None:
    with pytest.raises(SplitError, match="split holds"):
        Cohort.from_manifest(write_manifest(rows(4)), SEX)


@pytest.mark.parametrize(
    ("dataset", "attributes", "where"),
    [
        ("oasis1_slices", ["sex", "age:75"], None),
        ("oasis1_slices", ["age:75"], "plane=axial"),
        ("pad_ufes20", ["sex", "skin_type:1-2,3-6"], None),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_small_real_cohorts_are_drawn_in_balance(
    shared: Path, dataset: str, attributes: list[str], where: str | None, seed: int
) -> None:
    cohort = Cohort.from_manifest(
        shared / "data" / dataset / "manifest.csv",
        SensitiveAttribute.parse_all(attributes),
        split_fractions=[0.5, 0.3, 0.2],
        where=where,
        seed=seed,
    )
    images_per_patient = max(np.unique(cohort.patient_ids, return_counts=True)[1])
    for split, share in zip(cohort.split_names, (0.5, 0.15, 0.15, 0.2), strict=True):
        rows = cohort.indices(split)
        for group in cohort.subgroups.values():
            for member in map(group.member, group.names):
                for label in (0, 1):
                    due = share * np.count_nonzero(member & (cohort.labels == label))
                    found = np.count_nonzero(member[rows] & (cohort.labels[rows] == label))
                    assert abs(found - due) <= images_per_patient
