from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import ChestXray14
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import chest_downloads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return chest_downloads.write_chestxray14(tmp_path)


@pytest.mark.parametrize(
    "reader",
    [ChestXray14(), ChestXray14("hernia", split="drawn"), ChestXray14(projection="AP", split="drawn")],
    ids=["default", "finding", "projection"],
)
def test_conformance_of_the_reader(root: Path, reader: ChestXray14) -> None:
    check_reader(reader, root)


def test_any_finding_is_1_and_no_finding_0(root: Path) -> None:
    rows = ChestXray14(split="drawn").read(root).rows
    assert rows["label"].tolist() == ["1", "1", "0", "1", "1", "0", "1"]
    assert rows["image"].tolist()[:2] == ["images_001/images/00000001_000.png", "images_002/images/00000001_001.png"]
    assert rows["patient_id"].tolist()[:3] == ["1", "1", "2"]
    assert rows["sex"].tolist()[2:4] == ["male", "female"]


def test_one_finding_is_1_wherever_it_is_among_the_labels(root: Path) -> None:
    assert "".join(ChestXray14("emphysema", split="drawn").read(root).rows["label"]) == "0100000"
    assert "".join(ChestXray14("pleural_thickening", split="drawn").read(root).rows["label"]) == "0000100"


def test_ages_of_the_first_edition_are_converted_and_impossible_ones_are_missing(root: Path) -> None:
    assert ChestXray14(split="drawn").read(root).rows["age"].tolist() == ["58", "58", "81", "1.5", "", "60", "60"]


def test_the_official_test_list_is_the_test_split_and_no_patient_is_in_two(root: Path) -> None:
    found = ChestXray14().read(root)
    assert found.dropped == {"neither list names the image": 1}
    split = dict(zip(found.rows["image"].str[-16:-4], found.rows["split"], strict=True))
    assert [name for name, part in split.items() if part == "test"] == ["00000004_000", "00000006_000"]
    assert set(split.values()) <= {"train", "validation", "test"}
    assert found.rows.groupby("patient_id")["split"].nunique().max() == 1
    assert "split" not in ChestXray14(split="drawn").read(root).rows


def test_one_projection_may_be_kept(root: Path) -> None:
    found = ChestXray14(projection="AP", split="drawn").read(root)
    assert (len(found.rows), found.dropped) == (2, {"the projection is not AP": 5})


def test_the_second_edition_calls_the_sex_sex(tmp_path: Path) -> None:
    lines = [chest_downloads.CHESTXRAY14[0].replace("Gender", "Sex"), *chest_downloads.CHESTXRAY14[1:]]
    found = ChestXray14().read(
        chest_downloads.write_chestxray14(tmp_path, lines=lines, table="Data_Entry_2017_v2020.csv")
    )
    assert found.rows["sex"].tolist()[0] == "male"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("|Emphysema", "|Emphisema", r"holds \['emphisema'\]; the findings of this dataset"),
        ("Patient Gender", "Geschlecht", "no column 'Patient Gender' or 'Patient Sex'"),
        (",M,", ",X,", "'Patient Gender' holds"),
    ],
)
def test_what_is_not_of_this_dataset_is_refused(root: Path, old: str, new: str, message: str) -> None:
    table = root / "Data_Entry_2017.csv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(ManifestError, match=message):
        ChestXray14().read(root)


def test_without_a_list_the_download_is_incomplete(root: Path) -> None:
    (root / "test_list.txt").unlink()
    with pytest.raises(ManifestError, match=r"There is no test_list.txt"):
        ChestXray14().read(root)
