"""Patients who can be recognised: their ids, names and birth dates must not leave with a result."""

from __future__ import annotations

import csv
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pydicom

from monai_fairtune.cohort.synthetic_files import write_dicom
from tests.security.canaries import Canary

__all__ = ["MARKS", "find_marks", "hostile_sites", "write_patients"]

MARKS = ("ZQPATIENT", "ZQNAME", "ZQBIRTH", "ZQFOLDER", "ZQFILE", "ZQACCESSION", "ZQDOCTOR", "19510203")
"""Each stands in an id, a header or a path of every patient."""

_PER_SPLIT = {"train": 40, "validation": 40, "test": 40}


def hostile_sites(canary: Canary) -> tuple[str, str]:
    """Returns two names of subgroups that would run or become markup, and one of which is a spreadsheet's formula."""
    return f"${canary.code}", f"=1+1 <script>{canary.code}</script>{{{{ 7*7 }}}}\x1b[2J"


def write_patients(folder: Path, sites: tuple[str, str]) -> Path:
    """Writes DICOM files with both classes in every subgroup of every split, and their manifest, and returns it."""
    rng = np.random.default_rng(0)
    rows = []
    for split, n in _PER_SPLIT.items():
        for number in range(n):
            label, sex = number % 2, ("female", "male")[number // 2 % 2]
            patient = f"ZQPATIENT-{split}-{number}"
            name = f"ZQFOLDER_{split}_{number}/ZQFILE.dcm"
            pixels = rng.normal(0.4, 0.1, size=(16, 16))
            pixels[4:12, 4:12] += 0.2 * label
            path = folder / name
            path.parent.mkdir(parents=True)
            write_dicom(path, pixels.clip(0.01, 1), patient_id=patient, inverted=False, window=(100, 3000))
            _identify(path)
            row = {"image": name, "label": label, "patient_id": patient, "split": split, "sex": sex}
            rows.append(row | {"site": sites[number // 4 % 2]})
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return manifest


def _identify(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    dataset.PatientName, dataset.PatientBirthDate, dataset.PatientComments = "ZQNAME^JANE", "19510203", "ZQBIRTH"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "ZQACCESSION", "ZQDOCTOR"
    dataset.save_as(path)


def find_marks(folder: Path) -> set[str]:
    """Returns ``file: mark`` for each mark in the name or the bytes of a file, also within archives and databases."""
    found = set()
    for path in sorted(folder.rglob("*")):
        content = b"\n".join(_contents(path)) if path.is_file() else b""
        name = str(path.relative_to(folder))
        texts = (content, name.encode())
        found |= {
            f"{name}: {mark}"
            for mark in MARKS
            for spelled in (mark.encode(), mark.lower().encode(), mark.encode("utf-16-le"))
            if any(spelled in text for text in texts)
        }
    return found


def _contents(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield member.encode()
                yield archive.read(member)
    if path.read_bytes()[:15] == b"SQLite format 3":
        with closing(sqlite3.connect(path)) as connection:
            yield "\n".join(connection.iterdump()).encode()
