from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.exceptions import ConfigurationError
from tests.cohort.own_data import hospital
from tests.cohort.own_data.conftest import Desk
from tests.cohort.own_data.hospital import YES_NO, accession, rows, same_sex


def test_a_column_goes_before_the_header_and_a_sex_that_is_not_known_is_a_question(desk: Desk) -> None:
    columns: dict[str, Any] = {"Geschlecht": ["W", "x", *["männlich"] * 2, *["W", "x"] * 3, *["männlich"] * 2]}
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, **columns))
    values = {"W": "female", "männlich": "male", "x": None}
    assert mapping["columns"]["sex"][0] == {"column": "Geschlecht", "values": values}
    assert desk.proposal.questions == ["Which sex is 'x' of column Geschlecht: female, male, missing?"]
    assert "# sex, dicom PatientSex: 'F' (6), 'M' (4), 'O' (2)" in desk.proposal.path.read_text()


def test_a_sex_that_the_table_leaves_blank_is_that_of_the_header(desk: Desk) -> None:
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, sex=lambda k: same_sex(k) if k > 3 else ""))
    assert [next(iter(entry)) for entry in mapping["columns"]["sex"]] == ["column", "dicom"]
    assert "else from dicom PatientSex. column sex holds '' (4), '-' (2), 'm' (2), 'w' (4)." in desk.said
    mapping_values = mapping["columns"]["sex"][0]["values"]
    assert mapping_values == {"": "missing", "-": None, "m": "male", "w": "female"}
    manifest = desk.prepare(edit=lambda mapping: mapping["columns"]["sex"][0]["values"].update({"-": "missing"}))
    assert manifest["sex"].tolist() == ["female"] * 2 + ["male"] * 2 + ["female"] * 2 + [""] * 2 + (
        ["female"] * 2 + ["male"] * 2
    )


def test_a_header_that_tells_no_further_sex_is_not_asked(desk: Desk) -> None:
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, sex=lambda k: same_sex(k).replace("-", "w")))
    assert mapping["columns"]["sex"] == {"column": "sex", "values": {"m": "male", "w": "female"}}


def test_a_sex_that_table_and_header_often_tell_differently_is_a_question(desk: Desk) -> None:
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, sex=["w"]))
    assert mapping["columns"]["sex"] is None
    (question,) = desk.proposal.questions
    assert "column sex and dicom PatientSex differ in 4 of the 10 images that have both" in question
    assert "# sex: {column: sex, values: {w: female}}" in desk.proposal.path.read_text()
    with pytest.raises(ConfigurationError, match="says null at 'columns, sex'"):
        desk.prepare()


def test_a_sex_that_table_and_header_seldom_tell_differently_is_told_on_the_screen(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, 40)
    sex: dict[str, Any] = {"sex": lambda k: same_sex(k).replace("-", "w") if k else "m"}
    assert desk.propose(rows(40, accession=accession, finding=YES_NO, **sex))["columns"]["sex"]["column"] == "sex"
    assert "column sex and dicom PatientSex differ in 1 of the 30 images that have both." in desk.said
    assert desk.proposal.questions == []


def test_an_id_of_the_table_that_parts_a_patient_of_the_header_is_a_question(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, per_patient=2)
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, patient=lambda k: f"visit {k}"))
    assert mapping["patient_id"] is None
    (question,) = desk.proposal.questions
    assert question.startswith("6 of the 6 patients of dicom PatientID have several ids in column patient.")
    desk.proposal.path.unlink()
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, patient=lambda k: f"family {k // 4}"))
    assert mapping["patient_id"] == {"column": "patient"}


def test_one_typing_error_in_an_id_is_a_question_however_many_patients_there_are(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, 60, per_patient=2)
    patient: dict[str, Any] = {"patient": lambda k: f"P{k // 2}" if k else "P00"}
    assert desk.propose(rows(60, accession=accession, finding=YES_NO, **patient))["patient_id"] is None
    (question,) = desk.proposal.questions
    assert question.startswith("1 of the 30 patients of dicom PatientID")


def test_what_else_is_recorded_of_a_patient_is_no_id(desk: Desk) -> None:
    others: dict[str, Any] = {
        "Patient Age": lambda k: 40 + k,
        "PatientSex": lambda k: "f" if same_sex(k) == "w" else "m",
        "patient_name": lambda k: f"N{k}",
        "Patient Nr": lambda k: f"p{k}",
    }
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, **others))
    assert mapping["patient_id"] == {"column": "Patient Nr"}
    assert mapping["age"][0] == {"column": "Patient Age"}
    assert mapping["columns"]["sex"]["column"] == "PatientSex"
