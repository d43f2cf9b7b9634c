from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import ODIR5K
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import downloads, eye_downloads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return eye_downloads.write_odir_5k(tmp_path / "root")


def labels(root: Path, *options: str, **how: str) -> dict[str, str]:
    rows = ODIR5K(*options, **how).read(root).rows  # type: ignore[arg-type]
    return {Path(name).stem: label for name, label in zip(rows["image"], rows["label"], strict=True)}


@pytest.mark.parametrize(
    "reader",
    [ODIR5K(), ODIR5K("diabetes", "drop"), ODIR5K(low_quality="drop")],
    ids=["default", "diabetes", "quality"],
)
def test_conformance_of_the_reader(root: Path, reader: ODIR5K) -> None:
    check_reader(reader, root)


def test_every_eye_has_the_label_of_what_is_noted_of_it(root: Path) -> None:
    found = labels(root)
    assert found == {
        "0_left": "1", "1_left": "0", "2_left": "1", "5_left": "1",
        "0_right": "0", "1_right": "0", "2_right": "1", "3_right": "1", "4_right": "1", "5_right": "1",
    }  # fmt: skip
    assert ODIR5K().read(root).dropped == {"it does not show a fundus": 1, "nothing is noted of the eye": 1}


def test_one_disease_is_1_and_every_other_eye_0(root: Path) -> None:
    found = labels(root, "cataract")
    assert [name for name, label in found.items() if label == "1"] == ["0_left"]
    assert [name for name, label in labels(root, "hypertension").items() if label == "1"] == ["4_right"]
    assert [name for name, label in labels(root, "amd").items() if label == "1"] == ["5_right"]


@pytest.mark.parametrize(("suspected", "label"), [("1", "1"), ("0", "0"), ("drop", None)])
def test_a_suspected_disease_is_what_the_option_says(root: Path, suspected: str, label: str | None) -> None:
    found = labels(root, "diabetes", suspected)
    assert found["2_left"] == "1"
    assert found.get("2_right") == label
    rows = ODIR5K("diabetes").read(root).rows
    assert set(rows["label_name"][rows["label"] == "1"]) == {"diabetes", "diabetes suspected"}


def test_eyes_that_contradict_the_patients_column_are_left_out(root: Path) -> None:
    found = ODIR5K("glaucoma").read(root)
    assert found.dropped["what is noted of the eyes contradicts the patient's column"] == 2
    assert not found.rows["patient_id"].eq("5").any()


def test_remarks_on_quality_are_no_disease_and_may_lead_to_leaving_out(root: Path) -> None:
    assert labels(root)["1_left"] == "0"
    found = ODIR5K(low_quality="drop").read(root)
    assert found.dropped["its quality is remarked as low"] == 1
    assert "1_left" not in labels(root, low_quality="drop")


def test_an_age_of_zero_is_missing_and_both_eyes_are_one_patients(root: Path) -> None:
    rows = ODIR5K().read(root).rows
    assert rows.groupby("patient_id").size().to_dict() == {"0": 2, "1": 2, "2": 2, "3": 1, "4": 1, "5": 2}
    assert rows.set_index("patient_id").loc["3", "age"] == ""
    assert rows["eye"].tolist()[:2] == ["left", "left"]


def test_the_table_of_eyes_reads_as_the_table_of_patients(root: Path, tmp_path: Path) -> None:
    other = eye_downloads.write_odir_5k(tmp_path / "csv", table="full_df.csv")
    assert labels(other) == labels(root)
    assert ODIR5K().read(other).tables == ("full_df.csv",)


def test_without_a_table_or_a_column_it_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"There is no ODIR-5K_Training_Annotations\(Updated\)_V2.xlsx or"):
        ODIR5K().read(root / "ODIR-5K" / "Training Images")
    downloads.write_sheet(
        root / "ODIR-5K" / "data.xlsx", [eye_downloads.ODIR_5K[0][:-2], eye_downloads.ODIR_5K[1][:-2]]
    )
    with pytest.raises(ManifestError, match="has no column 'M'"):
        ODIR5K().read(root)
