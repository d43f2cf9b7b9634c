from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.bundle import check_eligibility, load_cohort
from monai_fairtune.exceptions import ConfigurationError, EligibilityError
from tests.bundle.bundle_runs import read_rows, write_rows


def test_every_small_cell_of_every_split_and_attribute_is_named_at_once(manifest: Path) -> None:
    cohort = load_cohort(manifest, ["sex", "age:60"])
    with pytest.raises(EligibilityError) as refused:
        check_eligibility(cohort, 12)
    message = str(refused.value)
    for cell in ("sex 'female' in validation", "sex 'male' in selection", "age:60 '[60,inf)' in validation"):
        assert cell in message
    assert "in test holds" in message


def test_the_override_that_a_refusal_names_is_the_one_that_admits(manifest: Path) -> None:
    cohort = load_cohort(manifest, "sex")
    with pytest.raises(EligibilityError, match=r"lower min_per_class to 7\b"):
        check_eligibility(cohort)
    assert check_eligibility(cohort, 7)["lowered"] is True
    with pytest.raises(EligibilityError):
        check_eligibility(cohort, 8)


def test_on_test_ten_of_each_class_are_enough(manifest: Path, tmp_path: Path) -> None:
    splits = ["train"] * 24 + ["validation"] * 48 + ["selection"] * 48 + ["test"] * 40
    rows = [
        row | {"split": split, "label": number % 2, "sex": ("female", "male")[number // 2 % 2]}
        for number, (row, split) in enumerate(zip(read_rows(manifest), splits, strict=True))
    ]
    cohort = load_cohort(write_rows(tmp_path / "manifest.csv", rows), "sex", data_root=manifest.parent)
    counted = check_eligibility(cohort, "12")["cells"]
    assert counted["validation"]["sex"] == {"female": [12, 12], "male": [12, 12]}
    assert counted["test"]["sex"] == {"female": [10, 10], "male": [10, 10]}
    with pytest.raises(EligibilityError, match=r"min_per_class 13 \(10 on test\)"):
        check_eligibility(cohort, 13)


def test_a_test_split_that_can_show_no_gap_is_said_to_and_admitted(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    splits = ["train"] * 136 + ["validation"] * 8 + ["selection"] * 8 + ["test"] * 8
    rows = [
        row | {"split": split, "label": number % 2, "sex": ("female", "male")[number // 2 % 2]}
        for number, (row, split) in enumerate(zip(read_rows(manifest), splits, strict=True))
    ]
    cohort = load_cohort(write_rows(tmp_path / "manifest.csv", rows), "sex", data_root=manifest.parent)
    check_eligibility(cohort, 2)
    assert "sex: on the test split: No AUROC gap would show, however large" in capsys.readouterr().out


def test_a_subgroup_without_positives_has_no_override(manifest: Path, tmp_path: Path) -> None:
    lines = manifest.read_text().splitlines()
    kept = [line for line in lines if not ("validation" in line and line.split(",")[1] == "1" and ",male" in line)]
    spoiled = tmp_path / "manifest.csv"
    spoiled.write_text("\n".join(kept))
    cohort = load_cohort(spoiled, "sex", data_root=manifest.parent)
    with pytest.raises(EligibilityError, match="no min_per_class admits a subgroup that lacks a class"):
        check_eligibility(cohort, 1)


def test_one_subgroup_alone_cannot_be_compared(manifest: Path) -> None:
    cohort = load_cohort(manifest, "sex", where="sex=female")
    with pytest.raises(EligibilityError, match=r"has the one subgroup \['female'\]"):
        check_eligibility(cohort, 1)


def test_a_limit_below_one_is_refused(manifest: Path) -> None:
    with pytest.raises(ConfigurationError, match="min_per_class is 0"):
        check_eligibility(load_cohort(manifest, "sex"), 0)


def test_counts_and_the_smallest_gap_that_test_can_show_are_said_before_any_training(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = load_cohort(manifest, "sex")
    cells = check_eligibility(cohort, 7)["cells"]
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["positives", "+", "negatives", "validation", "selection", "test"]
    negative, positive = cells["validation"]["sex"]["female"]
    assert said[1].startswith("sex female")
    assert f"{positive} + {negative}" in said[1]
    assert said[-1].startswith("sex: the test split would probably show an AUROC gap of 0.")
