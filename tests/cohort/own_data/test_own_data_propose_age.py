from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cohort.own_data import hospital
from tests.cohort.own_data.conftest import Desk
from tests.cohort.own_data.hospital import YES_NO, accession, rows


def born(k: int) -> str:
    """Returns the day of birth that the header of study ``k`` has, as a table writes it."""
    return f"15.03.{1970 - k}"


@pytest.fixture
def undated(tmp_path: Path) -> Desk:
    """Twelve images whose headers tell neither age nor dates."""
    desk = Desk(tmp_path)
    for k in range(12):
        hospital.write_dicom(desk.root / f"{k:02}", PatientID=f"{k}", AccessionNumber=accession(k))
    return desk


def test_dates_are_used_where_they_can_be_read_in_one_way_only(desk: Desk) -> None:
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, dob=born, exam_date=["02/01/2011"]))
    dates = {"birth": {"dicom": "PatientBirthDate"}, "study": {"dicom": "StudyDate"}}
    assert mapping["age"] == [{"dicom": "PatientAge"}, dates]
    assert "Not used: column exam_date, whose dates can be read as %d/%m/%Y or %m/%d/%Y." in desk.said


@pytest.mark.parametrize(
    ("birth", "exam"), [("Geb.datum", "Untersuchungsdatum"), ("Date of birth", "Date of exam"), ("DOB", "StudyDate")]
)
def test_a_date_of_birth_or_of_the_last_contact_is_not_the_date_of_the_exam(
    undated: Desk, birth: str, exam: str
) -> None:
    others: dict[str, Any] = {birth: born, "Date of last contact": ["01.06.2024"], exam: ["01.01.2011"]}
    mapping = undated.propose(rows(accession=accession, finding=YES_NO, **others))
    written = {"format": "%d.%m.%Y"}
    assert mapping["age"] == [{"birth": {"column": birth} | written, "study": {"column": exam} | written}]
    assert undated.proposal.questions == []
    assert undated.prepare()["age"].tolist() == [str(40 + k) for k in range(12)]


def test_a_column_of_dates_of_which_no_name_says_that_it_is_the_exams_is_a_question(undated: Desk) -> None:
    others: dict[str, Any] = {"dob": born, "Date of last contact": ["01.06.2024"]}
    assert undated.propose(rows(accession=accession, finding=YES_NO, **others))["age"] is None
    (question,) = undated.proposal.questions
    assert question.startswith(
        "Is this the date of the exam? No name says so. Candidates: the years from column dob to"
    )
    text = undated.proposal.path.read_text()
    assert "study: {column: Date of last contact, format: '%d.%m.%Y'}}]: median 59.5 years" in text


def test_such_a_column_is_taken_where_it_confirms_the_ages_that_are_known(undated: Desk) -> None:
    columns: dict[str, Any] = {"dob": born, "Date": ["01.01.2011"], "Age": lambda k: 40 + k if k else ""}
    mapping = undated.propose(rows(accession=accession, finding=YES_NO, **columns))
    assert [list(each) for each in mapping["age"]] == [["column"], ["birth", "study"]]
    assert undated.proposal.questions == []


def test_ages_that_contradict_each_other_are_a_question(desk: Desk) -> None:
    today: dict[str, Any] = {"age": lambda k: 53 + k}
    assert desk.propose(rows(accession=accession, finding=YES_NO, **today))["age"] is None
    (question,) = desk.proposal.questions
    assert (
        "column age and dicom PatientAge differ by more than a year in 12 of the 12 images that have both" in question
    )


def test_a_few_ages_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, 24)
    age: dict[str, Any] = {"age": lambda k: 40 + k if k else 10}
    mapping = desk.propose(rows(24, accession=accession, finding=YES_NO, **age))
    assert mapping["age"][0] == {"column": "age"}
    assert "column age and dicom PatientAge differ by more than a year in 1 of the 24 images" in desk.said


def test_one_cell_that_is_no_date_does_not_switch_off_its_column(undated: Desk) -> None:
    exam: dict[str, Any] = {"dob": born, "Exam date": lambda k: "01.01.2011" if k else "2011"}
    mapping = undated.propose(rows(accession=accession, finding=YES_NO, **exam))
    assert mapping["age"][0]["study"] == {"column": "Exam date", "format": "%d.%m.%Y"}
    assert "In 1 of 12 images column Exam date holds no date %d.%m.%Y." in undated.said
    assert undated.prepare()["age"].tolist() == ["", *(str(40 + k) for k in range(1, 12))]


def test_ages_that_are_all_alike_are_told_in_both_calls(undated: Desk) -> None:
    undated.propose(rows(accession=accession, finding=YES_NO, dob=["01.02.1950"], exam_date=["03.02.1950"]))
    warning = "All 12 known ages are 0, which is hardly right."
    assert warning in undated.said
    undated.prepare()
    assert warning in undated.prepared.to_text()
