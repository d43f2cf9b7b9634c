from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from monai_fairtune.cohort.own_data import propose_mapping
from tests.cohort.own_data import hospital
from tests.cohort.own_data.conftest import Desk
from tests.cohort.own_data.hospital import YES_NO, accession, rows


@pytest.mark.parametrize("lost_zeros", [lambda k: 100 + k, lambda k: f"{100 + k}.0"])
def test_zeros_that_excel_took_away_are_ignored_and_that_is_said(desk: Desk, lost_zeros: Any) -> None:
    mapping = desk.propose(rows(accession=lost_zeros, finding=YES_NO))
    assert mapping["join"]["leading_zeros"] == "ignore"
    assert "leading zeros ignored: 12 rows match 12 images" in desk.proposal.path.read_text()


def test_of_joins_that_agree_the_finest_is_proposed(desk: Desk) -> None:
    mapping = desk.propose(rows(mrn=lambda k: f"{k:04}", study=lambda k: f"1.2.3.{k}", finding=YES_NO))
    assert mapping["join"]["dicom"] == "StudyInstanceUID"
    assert mapping["patient_id"] == {"column": "mrn"}
    assert desk.proposal.questions == []


@pytest.fixture
def twice(tmp_path: Path) -> Desk:
    """Twelve studies of six patients, on two days each."""
    desk = Desk(tmp_path)
    for k in range(12):
        hospital.write_dicom(desk.root / f"{k:02}", PatientID=f"{k // 2:03}", StudyDate=f"2020010{1 + k % 2}")
    return desk


def test_several_rows_of_a_patient_are_joined_on_the_date_of_the_exam_too(twice: Desk) -> None:
    mapping = twice.propose(
        rows(patient=lambda k: k // 2, Untersuchungsdatum=["01.01.2020", "02.01.2020"], finding=YES_NO)
    )
    assert mapping["join"] == {
        "column": "patient", "dicom": "PatientID", "leading_zeros": "ignore",
        "date": {"column": "Untersuchungsdatum", "format": "%d.%m.%Y"},
    }  # fmt: skip
    assert twice.proposal.questions == []
    assert "and column Untersuchungsdatum and dicom StudyDate, leading zeros ignored: 12 rows match 12" in twice.said
    assert twice.prepare()["label_name"].tolist() == YES_NO * 6


def test_a_date_of_the_report_that_is_not_always_the_exams_leaves_the_patients_join_as_it_is(desk: Desk) -> None:
    reported: dict[str, Any] = {"Report date": lambda k: "01.01.2011" if k < 9 else "02.01.2011"}
    mapping = desk.propose(rows(patient=lambda k: f"{k:04}", finding=YES_NO, **reported))
    assert mapping["join"] == {"column": "patient", "dicom": "PatientID", "leading_zeros": "keep"}
    assert desk.proposal.questions == []


def test_a_date_of_the_exam_that_is_not_always_the_headers_is_a_question(desk: Desk) -> None:
    seen: dict[str, Any] = {"Exam date": lambda k: "01.01.2011" if k < 9 else "02.01.2011"}
    desk.propose(rows(patient=lambda k: f"{k:04}", finding=YES_NO, **seen))
    (question,) = desk.proposal.questions
    assert question.startswith("A finer join matches fewer rows: column 'patient' and dicom PatientID: 12 rows")


@pytest.mark.parametrize("name", ["Date", "Report date"])
def test_any_date_is_part_of_the_key_where_the_patient_alone_finds_fewer_images(twice: Desk, name: str) -> None:
    dates: dict[str, Any] = {name: ["01.01.2020", "02.01.2020"]}
    mapping = twice.propose(rows(patient=lambda k: f"{k // 2:03}", finding=YES_NO, **dates))
    assert mapping["join"]["date"] == {"column": name, "format": "%d.%m.%Y"}


def test_a_row_of_one_exam_does_not_label_the_images_of_another(twice: Desk) -> None:
    exams = rows(6, patient=lambda k: f"{k:03}", exam_date=["2020-01-02"], finding=YES_NO)
    assert twice.propose(exams)["join"]["date"]["column"] == "exam_date"
    assert twice.prepare()["image"].tolist() == [f"{k:02}" for k in range(1, 12, 2)]
    assert twice.prepared.record["dropped"] == {"no row has this key": 6}


def test_rows_and_images_without_a_date_have_no_key_where_it_is_part_of_it(twice: Desk) -> None:
    hospital.write_dicom(twice.root / "99", PatientID="000", StudyDate="")
    table = rows(patient=lambda k: f"{k // 2:03}", exam_date=["2020-01-01", "2020-01-02"], finding=YES_NO)
    table[3]["exam_date"] = "unknown"
    assert len(twice.prepare(table)) == 11
    assert twice.prepared.record["dropped"] == {"the key is blank": 1, "no row has this key": 1}
    assert twice.prepared.record["rows_left_out"] == {"the key is blank": 1}


def test_a_finer_join_with_fewer_rows_is_a_question_with_both_counts(desk: Desk) -> None:
    mapping = desk.propose(
        rows(accession=lambda k: accession(k) if k < 9 else "", mrn=lambda k: f"{k:04}", finding=YES_NO)
    )
    assert mapping["join"] == {"column": None, "dicom": None, "leading_zeros": "keep"}
    (question,) = desk.proposal.questions
    assert "'mrn' and dicom PatientID: 12 rows match 12 images" in question
    assert "'accession' and dicom AccessionNumber: 9 rows match 9 images" in question
    assert "# column 'accession' and dicom AccessionNumber: 9 rows" in desk.proposal.path.read_text()


def test_two_joins_that_give_an_image_different_rows_are_a_question(desk: Desk) -> None:
    desk.propose(rows(accession=accession, number=lambda k: k + 1, finding=YES_NO))
    assert desk.proposal.questions[0].startswith("Two joins give the same images different rows: column 'accession'")


def test_a_column_that_matches_as_it_stands_is_not_stretched_to_match_otherwise(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for k in range(12):
        hospital.write_dicom(desk.root / f"{k}", PatientID=f"{105 - k}", AccessionNumber=accession(k))
    assert desk.propose(rows(accession=accession, finding=YES_NO))["join"]["dicom"] == "AccessionNumber"
    assert desk.proposal.questions == []


def test_names_of_dicom_files_are_no_key_while_an_element_is_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for k in range(12):
        hospital.write_dicom(desk.root / f"{k:08}", PatientID=f"P{k}", AccessionNumber=accession(k))
    mapping = desk.propose(rows(number=lambda k: 11 - k, accession=accession, finding=YES_NO))
    assert mapping["join"]["dicom"] == "AccessionNumber"
    assert desk.proposal.questions == []


def test_a_table_that_matches_nothing_or_little_is_a_question(desk: Desk) -> None:
    desk.propose(rows(code=lambda k: f"x{k}", finding=YES_NO))
    assert desk.proposal.questions[0].startswith("No column of the table matches the images.")
    desk.proposal.path.unlink()
    desk.propose(rows(40, accession=accession, finding=YES_NO))
    assert desk.proposal.questions[0].startswith(
        "The best join is weak: column 'accession' and dicom AccessionNumber: 12 rows"
    )


def test_rows_with_one_key_are_not_counted_as_matching_where_they_differ(desk: Desk) -> None:
    same, different = {"accession": "00100", "finding": "yes"}, {"accession": "00101", "finding": "yes"}
    desk.propose([*rows(accession=accession, finding=YES_NO), same, different])
    text = desk.proposal.path.read_text()
    assert (
        "11 rows match 11 images; rows left, an earlier row says the same: 1; rows left, another row with this key"
        in text
    )


def test_pictures_are_joined_by_their_names_and_their_patients_asked_for(pictures: Desk) -> None:
    mapping = pictures.propose(rows(file=lambda k: f"scans\\{k:03}.jpg", label=["0", "1"]))
    assert mapping["join"] == {"column": "file", "image": "stem", "leading_zeros": "keep"}
    assert mapping["images"] == {"kind": "pictures"}
    assert mapping["patient_id"] is None
    assert pictures.proposal.questions == ["Which one is the patient's id? Candidates: none."]


def test_absolute_paths_of_a_datalist_name_images_below_the_root_and_no_namesakes(pictures: Desk) -> None:
    for path in list(pictures.root.rglob("*.png")):
        for namesake in ("elsewhere", "part 2"):
            (pictures.root / namesake).mkdir(exist_ok=True)
            (pictures.root / namesake / path.name).write_bytes(path.read_bytes())
    entries: list[dict[str, Any]] = [
        {"image": str(path), "label": k % 2} for k, path in enumerate(sorted(pictures.root.glob("part [01]/*")))
    ]
    pictures.table = pictures.table.with_name("dataset.json")
    pictures.table.write_text(json.dumps({"training": entries}))
    proposal = propose_mapping(pictures.root, pictures.table, pictures.out, progress=False)
    assert "column 'image' and image path: 12 rows match 12 images" in proposal.path.read_text()
    manifest = pictures.prepare(edit=lambda mapping: mapping.update(patient_id={"image": "path"}))
    assert dict(zip(manifest["image"], manifest["label"], strict=True)) == {
        str(Path(entry["image"]).relative_to(pictures.root)): str(entry["label"]) for entry in entries
    }


def test_names_that_repeat_in_several_folders_are_a_question_and_label_nothing_unasked(pictures: Desk) -> None:
    (pictures.root / "part 0" / "001.png").write_bytes((pictures.root / "part 1" / "001.png").read_bytes())
    mapping = pictures.propose(rows(file=lambda k: f"{k:03}.png", label=["0", "1"], subject=lambda k: f"s{k}"))
    assert mapping["join"] == {"column": None, "image": None, "leading_zeros": "keep"}
    (question,) = pictures.proposal.questions
    assert "column 'file' and image name: 12 rows match 13 images" in question
    assert "1 of these rows would label several images each" in question
    assert "If so, the comments in the file show what to write" in question
    text = pictures.proposal.path.read_text()
    (answer,) = [line for line in text.splitlines() if line.startswith("# join: {column: file, image: name")]
    pictures.prepare(edit=lambda mapping: mapping.update(yaml.safe_load(answer.removeprefix("# "))))
    assert pictures.prepared.record["most_images_of_a_row"] == 2


def test_paths_of_which_some_match_are_not_given_up_for_names_unasked(pictures: Desk) -> None:
    mapping = pictures.propose(rows(file=lambda k: f"part {k % 2 if k else 7}/{k:03}.png", label=["0", "1"]))
    assert mapping["join"]["column"] is None
    assert pictures.proposal.questions[0].startswith("A finer join matches fewer rows: column 'file' and image name")


def test_nifti_files_are_joined_by_their_names_without_either_ending(tmp_path: Path) -> None:
    import nibabel as nib
    import numpy as np

    desk = Desk(tmp_path)
    for k in range(12):
        path = desk.root / f"sub-{k:02}" / f"scan_{k:02}.nii{'.gz' * (k % 2)}"
        path.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(hospital.pixels(bright=False, seed=k), np.eye(4)), path)
    table = rows(scan=lambda k: f"scan_{k:02}", subject=lambda k: f"s{k}", label=["0", "1"], age=["063Y", "64"])
    assert desk.propose(table)["join"] == {"column": "scan", "image": "stem", "leading_zeros": "keep"}
    manifest = desk.prepare()
    assert manifest["image"].tolist()[:2] == ["sub-00/scan_00.nii", "sub-01/scan_01.nii.gz"]
    assert manifest["age"].tolist()[:2] == ["63", "64"]
