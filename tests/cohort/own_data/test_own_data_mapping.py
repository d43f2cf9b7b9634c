from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.cohort.own_data.read_mapping import read_mapping
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.exceptions import ConfigurationError
from tests.cohort.own_data import hospital
from tests.cohort.own_data.conftest import Desk

Edit = Callable[[dict[str, Any]], object]


def test_every_cell_of_a_mapping_is_text_whatever_yaml_would_make_of_it(desk: Desk) -> None:
    desk.propose(hospital.findings())
    path = desk.proposal.path
    text = path.read_text().replace("'no': 0", "no: 0\n    007: drop\n    1.50: drop\n    2020-01-01: drop")
    path.write_text(text)
    assert read_mapping(path).label.values == {
        "no": "0",
        "007": "drop",
        "1.50": "drop",
        "2020-01-01": "drop",
        "yes": "1",
    }


def test_a_mapping_names_its_sources(desk: Desk) -> None:
    desk.propose(hospital.findings())
    rules = read_mapping(desk.proposal.path)
    assert rules.join.image == Source("dicom", "AccessionNumber")
    assert [str(each) for each in rules.age] == [
        "dicom PatientAge",
        "the years from dicom PatientBirthDate to dicom StudyDate",
    ]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda m: m.update(extra=1), r"at the top: Additional properties are not allowed \('extra' was unexpected\)"),
        (lambda m: m.pop("split"), "at the top: 'split' is a required property"),
        (lambda m: m.update(schema=2), "at schema: '2' is not one of"),
        (lambda m: m["label"].update(column=None), "says null at 'label, column', which is a question"),
        (lambda m: m["label"]["values"].update(maybe=2), "at label, values, maybe: '2' is not one of"),
        (lambda m: m["label"]["values"].update(maybe=None), "says null at 'label, values, maybe'"),
        (lambda m: m.update(patient_id=None), "says null at 'patient_id'"),
        (lambda m: m.update(patient_id={}), r"names \[\] at 'patient_id'. Name one of"),
        (lambda m: m["join"].update(image="stem"), r"names \['dicom', 'image'\] at 'join'"),
        (
            lambda m: m.update(
                join={
                    "column": "Accession",
                    "image": "stem",
                    "leading_zeros": "keep",
                    "date": {"column": "Ward", "format": "%Y"},
                }
            ),
            "joins on a date and on image stem. Only DICOM images have one",
        ),
        (lambda m: m["join"].update(dicom="PatientName"), "at join, dicom: 'PatientName' is not one of"),
        (lambda m: m["columns"].update(born={"dicom": "PatientBirthDate"}), "'PatientBirthDate' is not one of"),
        (lambda m: m["columns"].update(label={"column": "Ward"}), "at columns: .*'label'"),
        (lambda m: m["age"].append({"column": "a", "dicom": "PatientAge"}), r"names \['column', 'dicom'\] at 'age'"),
        (
            lambda m: m["age"].append({"birth": {"column": "a"}, "study": {"dicom": "StudyDate"}}),
            "Give the format of a",
        ),
        (
            lambda m: m["age"].append({"birth": {"column": "a", "format": "%J"}, "study": {"dicom": "StudyDate"}}),
            "has the date format '%J': 'J' is a bad directive",
        ),
        (
            lambda m: m["columns"].update(year={"year_of": {"dicom": "StudyDate"}, "measured": "true"}),
            r"names \['measured', 'year_of'\] at 'columns, year'. Name year_of alone",
        ),
        (
            lambda m: m["columns"].update(year={"year_of": {"dicom": "PatientBirthDate"}}),
            r"at columns, year, year_of, dicom: 'PatientBirthDate' is not one of \['StudyDate'\]",
        ),
        (lambda m: m["images"].update(keep={"Modality": []}), "at images, keep, Modality"),
    ],
)
def test_what_a_mapping_cannot_say_is_refused_with_its_place(desk: Desk, edit: Edit, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        desk.prepare(hospital.findings(), edit)
    assert not (desk.out / "manifest.csv").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label: [", "is not YAML"),
        ("schema: 1\nschema: 1\n", r"is not YAML: \['schema'\] stand there twice"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("- a", "at the top: .* is not of type 'object'"),
        ("", "is not of type 'object'"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mapping.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_mapping(tmp_path / "mapping.yaml")


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_mapping(tmp_path / "mapping.yaml")


def test_the_mapping_that_the_documentation_shows_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "own_data.md").read_text()
    (tmp_path / "mapping.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    rules = read_mapping(tmp_path / "mapping.yaml")
    assert rules.label.values == {"yes": "1", "no": "0", "equivocal": "drop", "": "drop"}
    assert [str(each) for each in rules.age][-1] == "the years from dicom PatientBirthDate to column Exam date"
    assert rules.split is not None
