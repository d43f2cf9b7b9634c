from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
import pytest

from monai_fairtune.cohort.own_data.table import TableFormat, read_table
from monai_fairtune.exceptions import ManifestError
from tests.cohort.own_data import hospital

_ROWS = [{"Nr": "007", "Befund": "=1+1", "Wert": "12.0"}, {"Nr": "8", "Befund": "ja, später", "Wert": ""}]
_READ = [{"Nr": "007", "Befund": "=1+1", "Wert": "12"}, {"Nr": "8", "Befund": "ja, später", "Wert": ""}]


@pytest.mark.parametrize(
    ("separator", "encoding", "found"),
    [
        (",", "utf-8", "utf-8-sig"),
        (";", "cp1252", "cp1252"),
        ("\t", "utf-16", "utf-16"),
        ("|", "utf-8-sig", "utf-8-sig"),
    ],
)
def test_csv_files_are_read_as_text_whatever_program_wrote_them(
    tmp_path: Path, separator: str, encoding: str, found: str
) -> None:
    read = read_table(hospital.write_csv(tmp_path / "a.csv", _ROWS, sep=separator, encoding=encoding))
    assert read.rows.to_dict("records") == _READ
    assert read.format == TableFormat(separator=separator, encoding=found)


def test_a_first_line_that_tells_excel_the_separator_is_no_header(tmp_path: Path) -> None:
    path = hospital.write_csv(tmp_path / "a.csv", _ROWS, sep=";", encoding="utf-8-sig")
    path.write_text("sep=;\r\n" + path.read_text(encoding="utf-8-sig"), encoding="utf-8-sig")
    read = read_table(path)
    assert read.rows.to_dict("records") == _READ
    assert read_table(path, read.format).rows.equals(read.rows)


def test_a_spreadsheet_that_openpyxl_refuses_is_refused_with_a_way_out(tmp_path: Path) -> None:
    good, bad = hospital.write_sheet(tmp_path / "good.xlsx", [{"id": 1}, {"id": 2}]), tmp_path / "bad.xlsx"
    with ZipFile(good) as source, ZipFile(bad, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'patternType="gray125"', b'patternType="klingon"'))
    with pytest.raises(ManifestError, match=r"bad.xlsx' cannot be read: openpyxl refuses it with ValueError"):
        read_table(bad)


def test_a_spreadsheet_is_read_as_text_from_the_sheet_that_is_named(tmp_path: Path) -> None:
    rows = [{"id": 7.0, "code": "007", "age": 63.5, "born": pd.Timestamp("1950-02-01"), "": None}]
    path = hospital.write_sheet(tmp_path / "a.xlsx", rows, more=["Legend"])
    read = read_table(path)
    assert read.rows.to_dict("records") == [{"id": "7", "code": "007", "age": "63.5", "born": "1950-02-01 00:00:00"}]
    assert (read.format.sheet, read.sheets) == ("Findings", ("Findings", "Legend"))
    with pytest.raises(ManifestError, match=r"has no sheet 'Data'; its sheets are \['Findings', 'Legend'\]"):
        read_table(path, TableFormat(sheet="Data"))


def test_a_datalist_becomes_rows_that_know_their_list(tmp_path: Path) -> None:
    entries: dict[str, Any] = {
        "name": "task", "labels": {"0": "no"}, "tensorImageSize": "3D", "channels": ["CT"],
        "training": [{"image": "./a.png", "label": 1, "age": 63.0, "box": [1, 2]},
                     {"image": ["b.png"], "label": False}],
        "test": ["c.png", {"image": "d.png"}],
    }  # fmt: skip
    (tmp_path / "dataset.json").write_text(json.dumps(entries))
    assert read_table(tmp_path / "dataset.json").rows.to_dict("records") == [
        {"image": "./a.png", "label": "1", "age": "63", "list": "training"},
        {"image": "b.png", "label": "False", "age": "", "list": "training"},
        {"image": "d.png", "label": "", "age": "", "list": "test"},
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "cannot be read: No columns to parse"),
        ("a.csv", "a,b\n", "has no rows below a header"),
        ("a.csv", "a,a\n1,2\n", r"The first row of the table '.*' names 2 columns: several are called 'a'\. Put"),
        ("a.csv", "a,\n1,2\n", r"names 2 columns: 1 has no name\. Put"),
        ("a.csv", "Findings,,\na,b,a\n1,2,3\n", r"names 3 columns: 2 have no name\. Put"),
        ("a.csv", "a,,b,a,b\n1,2,3,4,5\n", r"names 5 columns: 1 has no name, several are called 'a', 'b'\. Put"),
        ("a.csv", "a,b\n1,2,3\n", "cannot be read: Error tokenizing data.*Expected 2 fields in line 2, saw 3"),
        ("a.xlsx", "no archive", "cannot be read: openpyxl refuses it with BadZipFile"),
        ("a.xls", "old", "ends in '.xls'. Save it as one of"),
        ("a.json", "{", "is not JSON"),
        ("a.json", "[1]", "has no list of images"),
        ("a.json", '{"training": [{"image": ["a", "b"]}]}', "An entry of the list 'training' has 2 images"),
        ("a.json", '{"training": [{"image": "a", "label": "a.nii.gz"}]}', "labels of 1 of 1 entries are files"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ManifestError, match=message):
        read_table(tmp_path / name)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read: No such file or directory"):
        read_table(tmp_path / "a.csv")
