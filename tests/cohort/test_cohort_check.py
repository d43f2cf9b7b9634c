from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from monai_fairtune.bundle import check_eligibility
from monai_fairtune.cohort import CohortCheck, check_manifest
from monai_fairtune.exceptions import ConfigurationError, EligibilityError, ManifestError
from monai_fairtune.subgroups import SensitiveAttribute, minimum_detectable_gap

Write = Callable[..., Path]
Rows = Callable[..., list[dict[str, object]]]
SEX = SensitiveAttribute.parse_all("sex")
SPLITS = ("train", "train", "validation", "selection", "test")


def _check(manifest: Path, **arguments: object) -> CohortCheck:
    return check_manifest(manifest, SEX, progress=False, **arguments)  # type: ignore[arg-type]


def test_a_sound_cohort_passes(write_manifest: Write, rows: Rows) -> None:
    check = _check(write_manifest(rows(200)), min_per_class=4)
    assert check.passed
    assert check.looked is not None
    assert not any((check.problems, check.cautions, check.looked.unreadable, check.looked.duplicates, check.small))
    assert check.refused == {}
    text = check.to_text()
    assert "200 images of 200 patients, 100 (50.0%) of class 1." in text
    assert "200 of 200 images were decoded.\nNo two files are equal." in text
    assert "Nothing was found that would stop a search without k-fold validation." in text


def test_everything_that_is_wrong_is_said_at_once(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    made = rows(60, 2, split=SPLITS)
    made[1]["split"] = "test"
    manifest = write_manifest([row for row in made if row["split"] != "selection" or row["label"] == 0])
    (tmp_path / "images/002_0.png").write_bytes(b"broken")
    (tmp_path / "images/003_0.png").unlink()
    (tmp_path / "images/009_0.png").write_bytes((tmp_path / "images/010_0.png").read_bytes())
    check = _check(manifest)
    assert not check.passed
    assert check.looked is not None
    assert [name for name, _ in check.looked.unreadable] == ["images/002_0.png", "images/003_0.png"]
    assert len(check.problems) == 4
    for problem, expected in zip(
        check.problems,
        ("2 of 108 images cannot be read", "1 of 54 patients", "The selection split holds 12 images of class 0 and 0",
         "1 image files occur in more than one split under several names, such as 'images/009_0.png'"),
        strict=True,
    ):  # fmt: skip
        assert expected in problem
    (duplicate,) = check.looked.duplicates
    assert len(duplicate.splits) == 2
    assert duplicate.n_patients == 2
    text = check.to_text()
    assert "To be mended first:" in text
    assert "106 of 108 images were decoded." in text
    assert "To be looked at:\n- 1 image files occur with both labels" in text
    assert check.cautions


def test_equal_files_within_one_split_are_counted_and_stop_nothing(
    write_manifest: Write, rows: Rows, tmp_path: Path
) -> None:
    manifest = write_manifest(rows(60, 2, split=SPLITS))
    (tmp_path / "images/000_0.png").write_bytes((tmp_path / "images/000_1.png").read_bytes())
    check = _check(manifest)
    assert check.problems == ()
    assert "Files that occur under several names: 1, in several splits: 0." in check.to_text()
    assert "- 'images/000_0.png', 'images/000_1.png' (in train, of 1 patient)" in check.to_text()


def test_with_folds_a_file_that_is_in_several_splits_of_a_fold_is_a_problem(
    write_manifest: Write, rows: Rows, tmp_path: Path
) -> None:
    manifest = write_manifest(rows(60, split=SPLITS))
    (tmp_path / "images/000_0.png").write_bytes((tmp_path / "images/001_0.png").read_bytes())
    check = _check(manifest)
    apart = check.cohort.splits.copy()
    apart[0] = "test"
    assert check.problems == ()
    (problem,) = replace(check, folds=(check.cohort.splits, apart)).problems
    assert problem.startswith("Fold 2: 1 image files occur in more than one split")


def test_subgroups_too_small_for_an_objective_are_marked_in_their_split(write_manifest: Write, rows: Rows) -> None:
    check = _check(write_manifest(rows(200)), min_per_class=5)
    cells = {(cell.split, cell.subgroup): (cell.n_negative, cell.n_positive) for cell in check.small}
    assert set(cells) == {("validation", "female"), ("validation", "male"), ("selection", "female"),
                          ("selection", "male")}  # fmt: skip
    assert all(min(cell) < 5 for cell in cells.values())
    assert "* fewer images of a class than a search asks for: 5, or 10 on test" in check.to_text()


def test_what_a_search_would_refuse_is_said_in_the_words_in_which_it_refuses(write_manifest: Write, rows: Rows) -> None:
    manifest = write_manifest(rows(200))
    for limit in (4, 5):
        check = _check(manifest, images=False, min_per_class=limit)
        try:
            check_eligibility(check.cohort, limit)
            refused = {}
        except EligibilityError as error:
            refused = {"sex": str(error)}
        assert (check.refused, check.passed) == (refused, not refused)
        assert ("Nothing was found that would stop a search without k-fold validation." in check.to_text()) == (
            not refused
        )
    assert "A search would refuse these attributes:\n- 4 subgroups are too small" in check.to_text()


def test_what_stops_a_search_with_k_fold_validation_alone_is_not_looked_for(write_manifest: Write, rows: Rows) -> None:
    check = _check(write_manifest(rows(200)), images=False, min_per_class=4)
    assert "Nothing was found that would stop a search without k-fold validation." in check.to_text()
    with pytest.raises(EligibilityError, match="in fold 1 holds"):
        check_eligibility(check.cohort, 4, n_folds=20)


def test_an_attribute_of_one_subgroup_is_refused_and_another_attribute_still_passes(
    write_manifest: Write, rows: Rows
) -> None:
    made = [row | {"site": "A"} for row in rows(200)]
    check = check_manifest(
        write_manifest(made), SensitiveAttribute.parse_all(["sex", "site"]), images=False, min_per_class=4
    )
    assert list(check.refused) == ["site"]
    assert "Attribute 'site' has the one subgroup ['A']" in check.to_text()
    assert check.passed


def test_too_few_images_of_either_class_make_a_subgroup_small(write_manifest: Write, rows: Rows) -> None:
    made = rows(60, split=SPLITS)
    rare = [row for row in made if row["split"] == "test" and row["sex"] == "male" and row["label"] == 1][1:]
    check = _check(write_manifest([row for row in made if row not in rare]), min_per_class=2)
    (cell,) = [cell for cell in check.small if (cell.split, cell.subgroup) == ("test", "male")]
    assert cell.n_positive == 1
    assert cell.n_negative >= 2


def test_the_detectable_gap_is_that_of_each_splits_counts(write_manifest: Write, rows: Rows) -> None:
    check = _check(write_manifest(rows(200)))
    cells = check.counts["splits"]["test"]["attributes"]["sex"]["subgroups"]
    counts = {name: (cell["n"] - cell["n_positive"], cell["n_positive"]) for name, cell in cells.items()}
    assert check.detectable_gaps["sex"]["test"] == minimum_detectable_gap(counts)


@pytest.mark.parametrize(("age", "is_said"), [("120", False), ("121", True), ("1e9", True), ("", False)])
def test_ages_that_nobody_reaches_are_said_without_the_value(
    write_manifest: Write, rows: Rows, age: str, is_said: bool
) -> None:
    made = rows(200)
    made[0]["age"] = age
    check = check_manifest(write_manifest(made), SensitiveAttribute.parse_all("sex*age:60"), images=False)
    assert any("Column 'age' holds ages above 120 years" in caution for caution in check.cautions) is is_said
    assert not any("1e9" in caution or "1000000000" in caution for caution in check.cautions)
    assert check.problems == ()


def test_a_gap_that_is_undefined_says_why(write_manifest: Write, rows: Rows) -> None:
    made = rows(60, split=SPLITS)
    for row in made:
        if row["split"] == "test" and row["label"] == 1 and row["sex"] == "male":
            row["sex"] = ""
    check = _check(write_manifest(made))
    assert isinstance(check.detectable_gaps["sex"]["test"], str)
    assert check.to_dict()["minimum_detectable_gap"]["sex"]["test"]["value"] is None
    assert "test none" in check.to_text()


def test_the_dictionary_is_plain_json_and_names_no_patient(write_manifest: Write, rows: Rows, tmp_path: Path) -> None:
    manifest = write_manifest(rows(60, 2))
    (tmp_path / "images/002_0.png").unlink()
    check = _check(manifest)
    text = json.dumps(check.to_dict(), allow_nan=False)
    assert set(check.to_dict()) == {
        "passed", "problems", "refused", "cautions", "n", "n_patients", "n_positive", "splits", "class_names",
        "split_rule", "unreadable", "duplicates", "minimum_detectable_gap", "min_per_class", "below_min_per_class",
        "balance", "associations", "missingness", "acquisition", "near_duplicates", "image_quality",
        "acquisition_columns", "implausible_ages",
    }  # fmt: skip
    assert "p002" not in text
    assert "p002" not in check.to_text()
    assert str(tmp_path) not in text + check.to_text()


def test_the_page_is_at_most_a_hundred_columns_wide(write_manifest: Write, rows: Rows) -> None:
    made = rows(60)
    for row in made:
        row["sex"] = f"a subgroup with quite a long name, {row['sex'] or 'unknown'}"
    assert max(map(len, _check(write_manifest(made)).to_text().splitlines())) <= 100


def test_a_limit_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="min_per_class is 0"):
        _check(tmp_path / "absent.csv", min_per_class=0)


def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no manifest"):
        _check(tmp_path / "absent.csv")


def test_a_real_cohort_is_checked(shared: Path) -> None:
    check = check_manifest(
        shared / "data/pad_ufes20/manifest.csv", SensitiveAttribute.parse_all(["sex", "skin_type"]), progress=False
    )
    assert check.problems == ()
    assert list(check.refused) == ["sex", "skin_type"]  # 775 images are few for two splits of a tenth each
    assert check.looked is not None
    assert check.looked.unreadable == ()
    assert check.counts["splits"]["test"]["attributes"]["sex"]["missing"]["n"] == 69
    assert ("1 image files occur with both labels, such as 'images/PAT_759_1433_914.jpg'") in check.cautions[0]
