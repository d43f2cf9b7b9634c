from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.cohort.own_data import propose_mapping
from monai_fairtune.exceptions import ConfigurationError
from tests.cohort.own_data import hospital
from tests.cohort.own_data.conftest import Desk


def rows(n: int = 12, **columns: Any) -> list[dict[str, Any]]:
    """Returns one row a study; a column is a list of cells that repeat, or a function of the row's number."""
    return [
        {name: cells(k) if callable(cells) else cells[k % len(cells)] for name, cells in columns.items()}
        for k in range(n)
    ]


def accession(k: int) -> str:
    return f"00{100 + k}"


YES_NO = ["yes", "no"]


def test_the_usual_export_leaves_no_question_and_writes_no_manifest(desk: Desk) -> None:
    mapping = desk.propose(rows(accession=accession, finding=YES_NO))
    assert desk.proposal.questions == []
    assert mapping["join"] == {"column": "accession", "dicom": "AccessionNumber", "leading_zeros": "keep"}
    assert mapping["label"] == {"column": "finding", "values": {"no": 0, "yes": 1}}
    assert mapping["patient_id"] == {"dicom": "PatientID"}
    assert mapping["columns"]["sex"] == {"dicom": "PatientSex", "values": {"F": "female", "M": "male", "O": "missing"}}
    assert mapping["age"][0] == {"dicom": "PatientAge"}
    assert mapping["columns"]["manufacturer"] == {"dicom": "Manufacturer"}
    assert "site" not in mapping["columns"]  # one hospital
    assert mapping["split"] is None
    assert [path.name for path in desk.out.iterdir()] == ["mapping.yaml"]


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
    assert "and column Untersuchungsdatum and dicom StudyDate, leading zeros ignored: 12 rows match 12" in asked(twice)
    assert twice.prepare()["label_name"].tolist() == YES_NO * 6


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


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"smoker": YES_NO, "label": ["1", "0"]}, {"column": "label", "values": {"0": 0, "1": 1}}),
        ({"smoker": YES_NO}, {"column": "smoker", "values": {"no": 0, "yes": 1}}),
        ({"sex": ["1", "0"], "Diagnosis": ["Benign", "malignant", "unknown"]},
         {"column": "Diagnosis", "values": {"Benign": 0, "malignant": 1, "unknown": "drop"}}),
        ({"list": [True, False], "target": [1.0, 0.0, None]},
         {"column": "target", "values": {"": "drop", "0": 0, "1": 1}}),
    ],
)  # fmt: skip
def test_a_label_that_only_one_column_can_be_is_proposed(desk: Desk, columns: Any, label: Any) -> None:
    assert desk.propose(rows(accession=accession, **columns))["label"] == label
    assert not any("label" in question for question in desk.proposal.questions)


@pytest.mark.parametrize(
    ("columns", "column", "question"),
    [
        ({"smoker": YES_NO, "pneumonia": ["0", "1"]}, None, "Candidates: 'smoker', 'pneumonia'."),
        ({"diagnosis": ["1", "0"], "label": ["1", "0"]}, None, "Candidates: 'diagnosis', 'label'."),
        ({"sex": ["0", "1"], "ward": ["A", "B"]}, None, "Candidates: none looks like one: 'ward' (2 values)."),
        (
            {"Befund positiv?": ["ja", "nein", "unklar"]},
            "Befund positiv?",
            "mean, 1, 0 or drop: 'ja' (4), 'nein' (4), 'unklar' (4)?",
        ),
        ({"Result": ["yes", "no", "unclear"]}, "Result", "mean, 1, 0 or drop: 'no' (4), 'unclear' (4), 'yes' (4)?"),
        ({"Oedema": ["yes", "no", "unclear"]}, "Oedema", "mean, 1, 0 or drop: 'no' (4), 'unclear' (4), 'yes' (4)?"),
        ({"dx": ["nv", "mel"]}, "dx", "mean, 1, 0 or drop: 'mel' (6), 'nv' (6)?"),
        ({"label": ["0", "1", "-1"]}, "label", "mean, 1, 0 or drop: '-1' (4), '0' (4), '1' (4)?"),
        ({"label": ["yes", "unknown"]}, "label", "mean, 1, 0 or drop: 'unknown' (6), 'yes' (6)?"),
    ],
)
def test_a_label_that_is_not_certain_is_a_question(desk: Desk, columns: Any, column: str | None, question: str) -> None:
    mapping = desk.propose(rows(accession=accession, **columns))
    assert mapping["label"]["column"] == column
    assert any(question in each for each in desk.proposal.questions)


def test_above_an_open_label_stand_the_candidates_with_their_counts(desk: Desk) -> None:
    desk.propose(rows(accession=accession, smoker=YES_NO, oedema=YES_NO))
    above = desk.proposal.path.read_text().partition("label:")[0]
    assert "# column 'smoker': 'no' (6), 'yes' (6)\n# column 'oedema': 'no' (6), 'yes' (6)\n" in above


def test_above_an_open_label_stand_columns_that_do_not_look_like_one_without_their_values(desk: Desk) -> None:
    desk.propose(rows(accession=accession, doctor=lambda k: f"Dr. {k % 3}", ward=["A"]))
    text = desk.proposal.path.read_text()
    assert "# column 'doctor' (3 values)\n# column 'ward' (1 value)\nlabel:" in text
    assert "Dr." not in text


def test_words_of_german_tables_are_known(desk: Desk) -> None:
    columns: dict[str, Any] = {
        "Patienten-ID": lambda k: f"P{k}", "Befund": ["Positiv", "negativ", "k. A."],
        "Geschlecht": lambda k: same_sex(k).replace("-", "w"),
        "Alter": lambda k: f"{40 + k} Jahre", "Standort": ["Köln", "Bonn"], "Gerät": ["A", "B"],
    }  # fmt: skip
    mapping = desk.propose(rows(Auftragsnr=accession, **columns))
    assert mapping["patient_id"] == {"column": "Patienten-ID"}
    assert mapping["label"] == {"column": "Befund", "values": {"Positiv": 1, "negativ": 0, "k. A.": "drop"}}
    assert {"sex", "standort", "gerät"} <= set(mapping["columns"])
    assert desk.proposal.questions == []


def test_a_column_goes_before_the_header_and_a_sex_that_is_not_known_is_a_question(desk: Desk) -> None:
    columns = {"Geschlecht": ["W", "x", *["männlich"] * 2, *["W", "x"] * 3, *["männlich"] * 2]}
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, **columns))
    values = {"W": "female", "männlich": "male", "x": None}
    assert mapping["columns"]["sex"][0] == {"column": "Geschlecht", "values": values}
    assert desk.proposal.questions == ["Which sex is 'x' of column Geschlecht: female, male, missing?"]
    assert "# sex, dicom PatientSex: 'F' (6), 'M' (4), 'O' (2)" in desk.proposal.path.read_text()


def test_one_of_a_thing_is_said_in_the_singular(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, 1)
    desk.propose(rows(1, accession=accession, finding=YES_NO, remark=["seen"]))
    said = asked(desk) + desk.proposal.path.read_text()
    assert "The table has 1 row and 3 columns. - The root holds 1 image of the kind dicom." in said
    assert "1 row matches 1 image, of 1 row and 1 image in all." in said
    assert "'remark' (1 value)" in said
    assert not re.search(r"\b1 (rows|columns|images|values|files|questions)\b", said)


def test_a_blank_is_written_as_people_would_write_it(desk: Desk) -> None:
    desk.propose(rows(accession=accession, label=["0", "1", ""]))
    assert "values:\n    '': drop\n    '0': 0\n" in desk.proposal.path.read_text()


def same_sex(k: int) -> str:
    """Returns the sex that the header of study ``k`` has, as a table writes it."""
    return "wmw-"[k // 2 % 4]


def test_a_sex_that_the_table_leaves_blank_is_that_of_the_header(desk: Desk) -> None:
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, sex=lambda k: same_sex(k) if k > 3 else ""))
    assert [next(iter(entry)) for entry in mapping["columns"]["sex"]] == ["column", "dicom"]
    assert "else from dicom PatientSex: 'F' (6)" in asked(desk)
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
    assert "column sex and dicom PatientSex differ in 1 of the 30 images that have both." in asked(desk)
    assert desk.proposal.questions == []


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


def born(k: int) -> str:
    """Returns the day of birth that the header of study ``k`` has, as a table writes it."""
    return f"15.03.{1970 - k}"


def asked(desk: Desk) -> str:
    """Returns what is said and asked, as one line."""
    return " ".join(desk.proposal.to_text().split())


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
    assert "Not used: column exam_date, whose dates can be read as %d/%m/%Y or %m/%d/%Y." in asked(desk)


@pytest.mark.parametrize(
    ("birth", "exam"), [("Geb.datum", "Untersuchungsdatum"), ("Date of birth", "Date of exam"), ("DOB", "StudyDate")]
)
def test_a_date_of_birth_or_of_the_last_contact_is_not_the_date_of_the_exam(
    undated: Desk, birth: str, exam: str
) -> None:
    others = {birth: born, "Date of last contact": ["01.06.2024"], exam: ["01.01.2011"]}
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


def test_ages_that_contradict_each_other_are_a_question_and_a_few_that_do_are_told(desk: Desk) -> None:
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
    assert "column age and dicom PatientAge differ by more than a year in 1 of the 24 images" in asked(desk)


def test_one_cell_that_is_no_date_does_not_switch_off_its_column(undated: Desk) -> None:
    exam: dict[str, Any] = {"dob": born, "Exam date": lambda k: "01.01.2011" if k else "2011"}
    mapping = undated.propose(rows(accession=accession, finding=YES_NO, **exam))
    assert mapping["age"][0]["study"] == {"column": "Exam date", "format": "%d.%m.%Y"}
    assert "In 1 of 12 images column Exam date holds no date %d.%m.%Y." in asked(undated)
    assert undated.prepare()["age"].tolist() == ["", *(str(40 + k) for k in range(1, 12))]


def test_ages_that_are_all_alike_are_told_in_both_calls(undated: Desk) -> None:
    undated.propose(rows(accession=accession, finding=YES_NO, dob=["01.02.1950"], exam_date=["03.02.1950"]))
    warning = "All 12 known ages are 0, which is hardly right."
    assert warning in asked(undated)
    undated.prepare()
    assert warning in undated.prepared.to_text()


def test_splits_are_taken_over_only_where_labelled_rows_reach_all_three(desk: Desk) -> None:
    splits = ["train", "val", "test"]
    mapping = desk.propose(rows(accession=accession, label=["1", "0"], split=splits))
    assert mapping["split"] == {"column": "split", "values": {"test": "test", "train": "train", "val": "validation"}}
    desk.proposal.path.unlink()
    label = ["1", "0", "", "0", "1", ""]
    assert desk.propose(rows(accession=accession, label=label, split=splits))["split"] is None
    assert (
        "# column 'split' does not send labelled rows to train, validation and test" in desk.proposal.path.read_text()
    )


def test_columns_that_read_like_attributes_are_proposed_and_the_others_only_named(desk: Desk) -> None:
    columns: dict[str, Any] = {
        "Hospital Site": ["A", "B"],
        "race": ["x", "y", "unknown"],
        "Remarks": lambda k: f"seen by Dr. {k}",
    }
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, **columns))
    assert mapping["columns"]["hospital_site"] == {"column": "Hospital Site"}
    assert mapping["columns"]["race"]["values"] == {"unknown": "missing", "x": "x", "y": "y"}
    text = desk.proposal.path.read_text()
    assert "# columns that nothing uses: 'Remarks' (12 values)" in text
    assert "Dr." not in text


def test_of_columns_that_would_have_one_name_the_second_is_named_as_unused(desk: Desk) -> None:
    columns: dict[str, Any] = {"site 1": ["A", "B"], "site_2": ["C", "D", "E"]}
    mapping = desk.propose(rows(accession=accession, finding=YES_NO, **columns))
    assert mapping["columns"]["site"] == {"column": "site 1"}
    assert "'site_2' (3 values)" in desk.proposal.path.read_text()


def test_pictures_are_joined_by_their_names_and_their_patients_asked_for(pictures: Desk) -> None:
    mapping = pictures.propose(rows(file=lambda k: f"scans\\{k:03}.jpg", label=["0", "1"]))
    assert mapping["join"] == {"column": "file", "image": "stem", "leading_zeros": "keep"}
    assert mapping["images"] == {"kind": "pictures"}
    assert mapping["patient_id"] is None
    assert pictures.proposal.questions == ["Which one is the patient's id? Candidates: none."]


def test_a_datalist_needs_no_other_table(pictures: Desk) -> None:
    entries: list[dict[str, Any]] = [
        {"image": f"./part {k % 2}/{k:03}.png", "label": k % 2, "subject": f"s{k // 2}", "gender": "MF"[k // 2 % 2]}
        for k in range(12)
    ]
    pictures.table = pictures.table.with_name("dataset.json")
    lists = {"training": entries[:4], "validation": entries[4:8], "test": entries[8:]}
    pictures.table.write_text(json.dumps(lists))
    proposal = propose_mapping(pictures.root, pictures.table, pictures.out, progress=False)
    assert proposal.questions == []
    manifest = pictures.prepare()
    assert manifest["split"].value_counts().to_dict() == {"train": 4, "validation": 4, "test": 4}
    by_image = sorted(entries, key=lambda entry: entry["image"])
    assert manifest["sex"].tolist() == [{"M": "male", "F": "female"}[entry["gender"]] for entry in by_image]
    assert manifest["patient_id"].nunique() == 6


def test_absolute_paths_of_a_datalist_name_images_below_the_root_and_no_namesakes(pictures: Desk) -> None:
    for path in list(pictures.root.rglob("*.png")):
        for namesake in ("elsewhere", "part 2"):
            (pictures.root / namesake).mkdir(exist_ok=True)
            (pictures.root / namesake / path.name).write_bytes(path.read_bytes())
    entries = [{"image": str(path), "label": k % 2} for k, path in enumerate(sorted(pictures.root.glob("part [01]/*")))]
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


def test_paths_of_which_some_match_are_not_given_up_for_names_unasked(pictures: Desk) -> None:
    mapping = pictures.propose(rows(file=lambda k: f"part {k % 2 if k else 7}/{k:03}.png", label=["0", "1"]))
    assert mapping["join"]["column"] is None
    assert pictures.proposal.questions[0].startswith("A finer join matches fewer rows: column 'file' and image name")


def test_a_mapping_that_is_there_is_never_overwritten(desk: Desk) -> None:
    findings = rows(accession=accession, finding=YES_NO)
    desk.propose(findings)
    with pytest.raises(ConfigurationError, match="is there already and maybe reviewed"):
        desk.propose(findings)


def test_no_id_and_no_date_is_in_a_proposal(desk: Desk) -> None:
    hospital.write_clutter(desk.root)
    desk.propose(rows(accession=accession, mrn=lambda k: f"P-{k}", finding=YES_NO, dob=["13.02.1950"]))
    everything = desk.proposal.path.read_text() + desk.proposal.to_text() + json.dumps(desk.proposal.to_dict())
    for secret in ("00100", "P-3", "1.2.3.4", "13.02", "1950", "SECRET", "ST0001"):
        assert secret not in everything.replace(str(desk.out.parent), "")


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
