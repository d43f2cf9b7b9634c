from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import CheXpert
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import chest_downloads, downloads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return chest_downloads.write_chexpert(tmp_path)


@pytest.mark.parametrize(
    "reader",
    [CheXpert(), CheXpert("cardiomegaly", "drop"), CheXpert(valid="test"), CheXpert(view="all", valid="drop")],
    ids=["default", "finding", "test", "all"],
)
def test_conformance_of_the_reader(root: Path, reader: CheXpert) -> None:
    check_reader(reader, root)


def test_any_finding_is_1_and_no_finding_0(root: Path) -> None:
    rows = CheXpert().read(root).rows
    assert rows["label"].tolist() == ["0", "1", "1", "0", "1", "1", "0"]
    assert rows["label_name"].tolist()[:2] == ["none", "finding"]
    assert rows["patient_id"].tolist()[:3] == ["patient00001", "patient00002", "patient00002"]
    assert rows["sex"].tolist() == ["female", "female", "female", "", "male", "male", "male"]
    assert rows["age"].tolist() == ["68", "87", "83", "", "90", "73", "70"]


@pytest.mark.parametrize(
    ("uncertain", "labels"), [("negative", "0000110"), ("positive", "0100110"), ("drop", "000110")]
)
def test_an_uncertain_finding_is_what_the_option_says(root: Path, uncertain: str, labels: str) -> None:
    found = CheXpert("cardiomegaly", uncertain).read(root)  # type: ignore[arg-type]
    assert "".join(found.rows["label"]) == labels
    assert found.dropped.get("cardiomegaly is uncertain", 0) == (uncertain == "drop")


@pytest.mark.parametrize(("view", "n"), [("frontal", 7), ("lateral", 1), ("all", 8)])
def test_frontal_views_are_kept_unless_others_are_wanted(root: Path, view: str, n: int) -> None:
    found = CheXpert(view=view).read(root)  # type: ignore[arg-type]
    assert len(found.rows) == n
    assert found.dropped == ({} if view == "all" else {f"the view is not {view}": 8 - n})


def test_valid_is_pooled_unless_it_is_to_be_the_test_split_or_left_out(root: Path) -> None:
    assert "split" not in CheXpert().read(root).rows
    rows = CheXpert(valid="test").read(root).rows
    assert rows["split"].tolist()[-2:] == ["test", "test"]
    assert set(rows["split"][:-2]) <= {"train", "validation"}
    assert rows.groupby("patient_id")["split"].nunique().max() == 1
    found = CheXpert(valid="drop").read(root)
    assert found.dropped == {"the view is not frontal": 1, "it is of valid.csv": 2}


def test_a_tenth_of_the_other_patients_is_validation_whatever_the_order(tmp_path: Path) -> None:
    line = "CheXpert-v1.0-small/train/patient{:05}/study1/view1_frontal.jpg,Male,50,Frontal,PA,1.0" + "," * 13
    lines = [line.format(number) for number in range(1000)]
    split_of = []
    for k, order in enumerate((lines, lines[::-1])):
        root = chest_downloads.write_chexpert(tmp_path / str(k), demographics=False)
        downloads.write_lines(root / "CheXpert-v1.0-small" / "train.csv", [chest_downloads.CHEXPERT_HEADER, *order])
        rows = CheXpert(valid="test").read(root).rows
        split_of.append(dict(zip(rows["patient_id"], rows["split"], strict=True)))
    assert split_of[0] == split_of[1]
    assert 80 < list(split_of[0].values()).count("validation") < 120


def test_race_is_that_of_the_demographics(root: Path) -> None:
    rows = CheXpert().read(root).rows.drop_duplicates("patient_id").set_index("patient_id")
    assert rows["race"].to_dict() == {
        "patient00001": "White", "patient00002": "Asian", "patient00003": "", "patient00004": "Black",
        "patient64541": "Other", "patient64542": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("races", "kept", "most"),
    [
        (["Black", "Asian"], "", ""),
        (["Black", "Asian", "Patient Refused", "Black, non-Hispanic"], "", "Black"),
        (["Unknown", "Asian", "Asian, non-Hispanic"], "Asian", "Asian"),
    ],
)
def test_a_race_that_the_demographics_contradict_is_missing_unless_the_most_frequent_is_wanted(
    root: Path, races: list[str], kept: str, most: str
) -> None:
    rows = [("patient00001", "Female", 68, race, "Unknown") for race in races]
    downloads.write_sheet(root / "CHEXPERT DEMO.xlsx", [chest_downloads.CHEXPERT_DEMOGRAPHICS[0], *rows])
    assert CheXpert().read(root).rows["race"][0] == kept
    assert CheXpert(race_conflict="most").read(root).rows["race"][0] == most


def test_without_the_demographics_there_is_no_race(tmp_path: Path) -> None:
    found = CheXpert().read(chest_downloads.write_chexpert(tmp_path, demographics=False))
    assert "race" not in found.rows
    assert len(found.tables) == 2


@pytest.mark.parametrize("folder", ["", "CheXpert-v1.0", "chexpert/small"])
def test_the_folder_may_have_another_name_than_the_paths_begin_with(tmp_path: Path, folder: str) -> None:
    found = CheXpert().read(chest_downloads.write_chexpert(tmp_path, folder=folder))
    assert [Path(name).name for name in found.missing] == ["view1_frontal.jpg"] * 2
    assert found.surplus == ()


def test_a_table_without_the_finding_or_with_another_sex_is_refused(tmp_path: Path) -> None:
    for number, (old, new, message) in enumerate(
        [("No Finding", "Finding", "no column for 'no finding'"), (",Male,", ",M,", "'Sex' holds"),
         (",Frontal,AP,1.0,", ",Frontal,AP,-1.0,", "holds \\['-1'\\]")]
    ):  # fmt: skip
        root = chest_downloads.write_chexpert(tmp_path / str(number))
        table = root / "CheXpert-v1.0-small" / "train.csv"
        table.write_text(table.read_text().replace(old, new))
        with pytest.raises(ManifestError, match=message):
            CheXpert().read(root)


def test_the_true_header_has_every_finding(metadata: Path, root: Path) -> None:
    true = metadata / "CheXpert" / "train.header_plus_1row.csv"
    assert true.read_text().splitlines()[0].strip() == chest_downloads.CHEXPERT_HEADER
    (root / "CheXpert-v1.0-small" / "train.csv").write_bytes(true.read_bytes())
    for finding in chest_downloads.CHEXPERT_HEADER.split(",")[5:]:
        CheXpert(finding.lower().replace(" ", "_")).read(root)  # type: ignore[arg-type]
