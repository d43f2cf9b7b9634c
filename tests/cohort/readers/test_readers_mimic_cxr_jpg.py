from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import MIMICCXRJPG
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import chest_downloads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return chest_downloads.write_mimic_cxr_jpg(tmp_path)


@pytest.mark.parametrize(
    "reader",
    [MIMICCXRJPG(), MIMICCXRJPG("atelectasis", "drop"), MIMICCXRJPG(view="all", age="anchor", race_conflict="most")],
    ids=["default", "finding", "all"],
)
def test_conformance_of_the_reader(root: Path, reader: MIMICCXRJPG) -> None:
    check_reader(reader, root)


def test_findings_are_those_of_the_study_and_what_has_none_is_left_out(root: Path) -> None:
    found = MIMICCXRJPG().read(root)
    assert found.rows["patient_id"].tolist() == ["10000032", "10000764", "10000898", "10000935", "10001000"]
    assert "".join(found.rows["label"]) == "01011"
    assert found.rows["image"][0] == "mimic-cxr-jpg/files/p10/p10000032/s50414267/02aa804e.jpg"
    assert found.dropped == {"the view is not frontal": 3, "the study's report has no findings": 1}
    assert found.counts == {"images": 9, "studies with findings": 7, "patients": 6}


def test_an_uncertain_finding_is_what_the_option_says(root: Path) -> None:
    assert "".join(MIMICCXRJPG("atelectasis", "positive").read(root).rows["label"]) == "01011"
    assert "".join(MIMICCXRJPG("atelectasis", "negative").read(root).rows["label"]) == "00011"
    assert MIMICCXRJPG("atelectasis", "drop").read(root).dropped["atelectasis is uncertain"] == 1


@pytest.mark.parametrize(("view", "n"), [("frontal", 5), ("lateral", 2), ("all", 8)])
def test_views_are_told_by_their_position(root: Path, view: str, n: int) -> None:
    assert len(MIMICCXRJPG(view=view).read(root).rows) == n  # type: ignore[arg-type]


def test_the_official_splits_are_ours(root: Path) -> None:
    assert MIMICCXRJPG().read(root).rows["split"].tolist() == ["train", "train", "validation", "test", "train"]


def test_age_is_that_of_the_studys_year_unless_the_anchors_is_wanted(root: Path) -> None:
    assert MIMICCXRJPG().read(root).rows["age"].tolist() == ["52", "88", "79", "96", ""]
    assert MIMICCXRJPG(age="anchor").read(root).rows["age"].tolist() == ["52", "86", "79", "91", ""]


def test_a_race_that_admissions_contradict_is_missing_unless_the_most_frequent_is_wanted(root: Path) -> None:
    assert MIMICCXRJPG().read(root).rows["race"].tolist() == ["White", "", "", "Hispanic", ""]
    assert MIMICCXRJPG(race_conflict="most").read(root).rows["race"].tolist() == ["White", "Black", "", "Hispanic", ""]


def test_a_tie_between_races_is_missing(root: Path) -> None:
    table = root / "hosp" / "admissions.csv"
    lines = [line for line in chest_downloads.MIMIC_IV["admissions"] if not line.startswith("10000764,4")]
    chest_downloads.write_packed(table, lines, packed=True)
    assert MIMICCXRJPG(race_conflict="most").read(root).rows["race"][1] == ""


def test_before_version_2_the_column_is_ethnicity(root: Path) -> None:
    lines = [line.replace(",race", ",ethnicity") for line in chest_downloads.MIMIC_IV["admissions"]]
    chest_downloads.write_packed(root / "hosp" / "admissions.csv", lines, packed=True)
    assert MIMICCXRJPG().read(root).rows["race"][0] == "White"


def test_without_mimic_iv_there_are_images_and_labels_and_no_attributes(tmp_path: Path) -> None:
    found = MIMICCXRJPG().read(chest_downloads.write_mimic_cxr_jpg(tmp_path, patients=False, packed=False))
    assert not {"sex", "age", "race"} & set(found.rows.columns)
    assert len(found.tables) == 3


@pytest.mark.parametrize("folder", ["mimiciv/3.1/hosp", "mimic-iv-3.1/hosp", "mimic-iv"])
def test_mimic_iv_is_found_as_it_is_downloaded_beside_the_images(root: Path, folder: str) -> None:
    found = MIMICCXRJPG().read(root)
    (root / folder).mkdir(parents=True)
    for table in list((root / "hosp").iterdir()):
        table.rename(root / folder / table.name)
    moved = MIMICCXRJPG().read(root)
    assert moved.tables[-1] == f"{folder}/admissions.csv.gz"
    assert moved.rows.equals(found.rows)


def test_a_table_that_broke_off_or_lacks_a_column_is_refused(root: Path) -> None:
    table = root / "hosp" / "admissions.csv.gz"
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ManifestError, match=r"admissions.csv.gz' cannot be read"):
        MIMICCXRJPG().read(root)
    chest_downloads.write_packed(root / "hosp" / "admissions.csv", ["subject_id,hadm_id", "1,2"], packed=True)
    with pytest.raises(ManifestError, match="no column 'race' or 'ethnicity'"):
        MIMICCXRJPG().read(root)
