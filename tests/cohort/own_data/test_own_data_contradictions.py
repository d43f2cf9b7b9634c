from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cohort.own_data import hospital
from tests.cohort.own_data.conftest import Desk
from tests.cohort.own_data.hospital import YES_NO, accession, rows, same_sex

JOIN = {"column": "accession", "dicom": "AccessionNumber", "leading_zeros": "keep"}


def half_numbered(**columns: Any) -> list[dict[str, Any]]:
    """Returns rows whose join is open: the accession number is blank where the patient's number is not."""
    return rows(accession=lambda k: accession(k) if k < 9 else "", mrn=lambda k: f"{k:04}", finding=YES_NO, **columns)


def other_sex(k: int) -> str:
    """Returns the sex that the header of study ``k`` does not have."""
    return {"w": "m", "m": "w", "-": "m"}[same_sex(k)]


@pytest.fixture
def answered(desk: Desk) -> Desk:
    """Twelve studies whose table contradicts the header, proposed with an open join that the user then answered."""
    desk.propose(half_numbered(sex=other_sex, age=lambda k: 53 + k))
    (question,) = desk.proposal.questions
    assert question.startswith("A finer join matches fewer rows")
    return desk


def test_what_an_open_join_kept_from_being_compared_is_said_when_the_manifest_is_written(answered: Desk) -> None:
    manifest = answered.prepare(edit=lambda mapping: mapping.update(join=JOIN))
    assert manifest["sex"].tolist() == ["male"] * 2 + ["female"] * 2 + ["male"] * 4 + ["male"]
    said = " ".join(answered.prepared.to_text().split())
    assert "Review the mapping: the manifest's sex and dicom PatientSex differ in 7 of the 7 images that have" in said
    assert "the manifest's age and dicom PatientAge differ by more than a year in 9 of the 9 images that have" in said
    assert len(answered.prepared.record["contradictions"]) == 3  # the age from the header's dates is the third


def test_a_sex_of_the_mapping_that_the_header_contradicts_is_told_whatever_its_cells_are(desk: Desk) -> None:
    desk.propose(rows(accession=accession, finding=YES_NO, sex=lambda k: "12"[k // 2 % 2]))
    values = {"1": "male", "2": "female"}
    desk.prepare(edit=lambda mapping: mapping["columns"].update(sex={"column": "sex", "values": values}))
    assert desk.prepared.record["contradictions"] == [
        "the manifest's sex and dicom PatientSex differ in 10 of the 10 images that have both."
    ]


def test_a_patient_that_the_mapping_parts_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, per_patient=2)
    desk.prepare(hospital.findings(), lambda mapping: mapping.update(patient_id={"image": "path"}))
    told = "6 of the 6 patients of dicom PatientID have several ids in image path."
    assert desk.prepared.record["contradictions"] == [told]


def test_headers_that_give_all_patients_one_id_part_nobody(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, per_patient=12)
    desk.prepare(hospital.findings(), lambda mapping: mapping.update(patient_id={"image": "path"}))
    assert desk.prepared.record["contradictions"] == []


def test_while_the_join_is_open_the_screen_counts_nothing_that_the_join_decides(answered: Desk) -> None:
    assert "Until then table and header cannot be compared" in answered.said
    assert "- Sex is read from column sex, else from dicom PatientSex. - Splits" in answered.said
    assert "- Age is read from column age, else dicom PatientAge, else the years from dicom" in answered.said
    for counted in ("not known for", "sex holds", "values)"):
        assert counted not in answered.said
    assert "# as the join is open, the counts are those of rows and images" in answered.proposal.path.read_text()
