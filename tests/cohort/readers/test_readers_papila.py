from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import PAPILA, prepare_cohort
from monai_fairtune.exceptions import ConfigurationError, ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import downloads, eye_downloads

HEADERS = list(eye_downloads.PAPILA_HEADERS)


@pytest.mark.parametrize("header", HEADERS)
def test_conformance_of_the_reader(tmp_path: Path, header: str) -> None:
    check_reader(PAPILA(), eye_downloads.write_papila(tmp_path, header=header))


@pytest.mark.parametrize("header", HEADERS)
def test_sheets_are_read_whatever_rows_of_headings_they_have(tmp_path: Path, header: str) -> None:
    found = PAPILA().read(eye_downloads.write_papila(tmp_path, header=header))
    rows = {image: row for image, *row in found.rows.itertuples(index=False, name=None)}
    assert rows["FundusImages/RET004OD.jpg"] == ["1", "glaucoma", "004", "female", "58", "right"]
    assert rows["FundusImages/RET002OS.jpg"] == ["0", "healthy", "002", "male", "47", "left"]
    assert rows["FundusImages/RET101OS.jpg"][4] == ""
    assert len(rows) == 6


def test_both_eyes_are_one_patients(tmp_path: Path) -> None:
    found = PAPILA().read(eye_downloads.write_papila(tmp_path))
    assert (len(found.rows), found.rows["patient_id"].nunique()) == (6, 4)
    assert found.counts == {"images": 8, "patients": 4, "eyes with glaucoma": 2, "suspects": 2}


def test_suspects_are_dropped_unless_they_are_given_a_label(tmp_path: Path) -> None:
    root = eye_downloads.write_papila(tmp_path)
    assert PAPILA().read(root).dropped == {"glaucoma is suspected": 2}
    counts = [(PAPILA(label).read(root).rows["label"] == "1").sum() for label in ("drop", "0", "1")]
    assert counts == [2, 2, 4]


def test_a_second_row_about_an_eye_is_dropped_and_counted(tmp_path: Path) -> None:
    found = PAPILA().read(eye_downloads.write_papila(tmp_path, extra=[("#004", 33, 0, 0)]))
    assert found.dropped == {"an earlier row is about the same eye": 2, "glaucoma is suspected": 2}
    assert found.rows["label"].tolist().count("1") == 2


def test_contours_and_other_pictures_are_not_taken_for_fundus_images(tmp_path: Path) -> None:
    root = eye_downloads.write_papila(tmp_path)
    downloads.touch(root, ["HelpCode/figure.jpg", "FundusImages/RET245OD.jpg"])
    assert PAPILA().read(root).surplus == ("FundusImages/RET245OD.jpg",)


def test_a_sheet_without_its_columns_or_patients_is_refused(tmp_path: Path) -> None:
    eye_downloads.write_papila(tmp_path)
    sheets: list[list[list[object]]] = [
        [["ID", "Age", "Sex"], ["#002", 4, 1]],
        [["ID", "Age", "Gender", "Diagnosis"], ["Jane", 4, 1, 1]],
        [["ID", "Age", "Gender", "Diagnosis", "Age"], ["#002", 4, 1, 1, 5]],
    ]
    for rows in sheets:
        downloads.write_sheet(tmp_path / "ClinicalData" / "patient_data_os.xlsx", rows)
        with pytest.raises(ManifestError, match=r"patient_data_os.xlsx' has \d rows that begin with a patient"):
            PAPILA().read(tmp_path)
    (tmp_path / "ClinicalData" / "patient_data_os.xlsx").write_bytes(b"<html>")
    with pytest.raises(ManifestError, match="openpyxl refuses it with BadZipFile"):
        PAPILA().read(tmp_path)


def test_without_openpyxl_the_error_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = eye_downloads.write_papila(tmp_path / "papila")
    monkeypatch.setattr("monai_fairtune.cohort.packages.find_spec", lambda _: None)
    with pytest.raises(
        ConfigurationError, match=r"needs the package openpyxl.* pip install 'monai-fairtune\[prepare\]'"
    ):
        prepare_cohort(PAPILA(), root, tmp_path / "out", progress=False)


@pytest.mark.parametrize("layout", ["", ".reconstructed_layout"])
def test_the_true_values_are_read_in_either_layout(metadata: Path, tmp_path: Path, layout: str) -> None:
    for side in ("od", "os"):
        name = f"patient_data_{side}"
        (tmp_path / f"{name}.xlsx").write_bytes((metadata / "PAPILA" / f"{name}{layout}.xlsx").read_bytes())
    found = PAPILA().read(tmp_path)
    assert found.counts == {"images": 466, "patients": 232, "eyes with glaucoma": 67, "suspects": 56}
    assert found.dropped == {"an earlier row is about the same eye": 2, "glaucoma is suspected": 56}
    assert (found.rows["sex"] == "female").sum() > (found.rows["sex"] == "male").sum() > 0
