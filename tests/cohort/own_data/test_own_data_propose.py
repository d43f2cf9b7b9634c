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
from tests.cohort.own_data.hospital import YES_NO, accession, rows, same_sex


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


def test_one_of_a_thing_is_said_in_the_singular(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    hospital.write_studies(desk.root, 1)
    desk.propose(rows(1, accession=accession, finding=YES_NO, remark=["seen"]))
    said = desk.said + desk.proposal.path.read_text()
    assert "The table has 1 row and 3 columns. - The root holds 1 image of the kind dicom." in said
    assert "1 row matches 1 image, of 1 row and 1 image in all." in said
    assert "'remark' (1 value)" in said
    assert not re.search(r"\b1 (rows|columns|images|values|files|questions)\b", said)


def test_a_blank_is_written_as_people_would_write_it(desk: Desk) -> None:
    desk.propose(rows(accession=accession, label=["0", "1", ""]))
    assert "values:\n    '': drop\n    '0': 0\n" in desk.proposal.path.read_text()


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
