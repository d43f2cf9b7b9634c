"""CheXpert: chest radiographs with findings read from reports."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

import pandas as pd

from monai_fairtune.cohort.readers.files import find_images
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import find_file, read_csv, read_excel, recode, years
from monai_fairtune.exceptions import ManifestError

__all__ = ["CheXpert"]

_COLUMNS = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA")
_DEMOGRAPHICS = ("CHEXPERT DEMO.xlsx", "CHEXPERT_DEMO.xlsx")
_RACES = (("unknown", ""), ("refused", ""), ("white", "White"), ("caucasian", "White"), ("black", "Black"),
          ("asian", "Asian"))  # fmt: skip
_UNCERTAIN = {"negative": "0", "positive": "1", "drop": "drop"}


@dataclass(frozen=True)
class CheXpert:
    """CheXpert."""

    finding: Literal[
        "no_finding", "enlarged_cardiomediastinum", "cardiomegaly", "lung_opacity", "lung_lesion", "edema",
        "consolidation", "pneumonia", "atelectasis", "pneumothorax", "pleural_effusion", "pleural_other", "fracture",
        "support_devices",
    ] = option("no_finding", "no_finding: 1 is any finding, 0 is none; else 1 is the one named")  # fmt: skip
    uncertain: Literal["negative", "positive", "drop"] = option(
        "negative", "what a report leaves open, -1, counts as; not mentioned is negative; no_finding has none"
    )
    view: Literal["frontal", "lateral", "all"] = option("frontal", "the views to keep")
    valid: Literal["pool", "test", "drop"] = option(
        "pool",
        "valid.csv, 234 images that radiologists labelled: pooled with train.csv, splits being drawn later; the test "
        "split, a tenth of the other patients being validation; or left out",
    )

    about: ClassVar[About] = About(
        name="chexpert",
        title="CheXpert, chest radiographs with findings read from reports",
        licence="Stanford University Dataset Research Use Agreement",
        access="https://aimi.stanford.edu/datasets/chexpert-chest-x-rays",
        citation="Irvin, Rajpurkar, Ko et al. AAAI (2019), arXiv 1901.07031",
        layout="train.csv and valid.csv; train/ and valid/ beside them; CHEXPERT DEMO.xlsx, where race is wanted",
        label="by option 1 is any finding and 0 none, or 1 is the one named: see finding",
        attributes={
            "sex": "female, male; Unknown is missing",
            "age": "years, 90 standing for older; 0 is missing",
            "race": "White, Black, Asian, Other from PRIMARY_RACE; unknown and refused are missing; only with "
            "CHEXPERT DEMO.xlsx",
        },
        patients="the patient, from the path",
        split="none is official for training; valid.csv by option",
        study=("sex", "age:60", "race"),
        published={"images of train": 223414, "images of valid": 234, "patients": 64740},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        column = self.finding.replace("_", " ")
        parts = {part: _read_part(root, part, column) for part in ("train", "valid")}
        read = pd.concat([rows.assign(part=part) for part, (rows, _) in parts.items()], ignore_index=True)
        patients = read["image"].str.extract(r"(patient\d+)", expand=False).fillna("")
        rows = Rows(
            read.assign(
                label=self._label(read["finding"]),
                patient_id=patients,
                sex=recode(read["Sex"], {"Female": "female", "Male": "male", "Unknown": "", "": ""}),
                age=years(read["Age"], zero_is_missing=True),
                view=read["Frontal/Lateral"].str.lower(),
                projection=read["AP/PA"],
            )
        )
        tables = [table for _, table in parts.values()]
        demographics = find_file(root, _DEMOGRAPHICS)
        if demographics is not None:
            rows.table["race"], table = _races(root, rows.table["patient_id"])
            tables.append(table)
        self._choose(rows)
        folder = PurePosixPath(tables[0]).parent.as_posix()
        return rows.found(
            self.about,
            images=find_images(root, (".jpg",), below=folder),
            counts={**{f"images of {part}": len(table) for part, (table, _) in parts.items()},
                    "patients": patients.nunique()},
            tables=tables,
            also=["view", "projection"],
        )  # fmt: skip

    def _label(self, column: pd.Series[str]) -> pd.Series[str]:
        if self.finding == "no_finding":
            return recode(column, {"1": "0", "0": "1", "": "1"})
        return recode(column, {"1": "1", "0": "0", "": "0", "-1": _UNCERTAIN[self.uncertain]})

    def _choose(self, rows: Rows) -> None:
        rows.drop(~rows.table["view"].isin(["frontal", "lateral"] if self.view == "all" else [self.view]),
                  f"the view is not {self.view}")  # fmt: skip
        if self.valid == "drop":
            rows.drop(rows.table["part"] == "valid", "it is of valid.csv")
        rows.drop(rows.table["label"] == "drop", f"{self.finding} is uncertain")
        names = {"0": "none", "1": "finding"} if self.finding == "no_finding" else {"0": "absent", "1": self.finding}
        rows.table["label_name"] = rows.table["label"].map(names)
        if self.valid == "test":
            part = rows.table["patient_id"].map(lambda patient: zlib.crc32(patient.encode()) % 10 == 0)
            drawn = part.map({True: "validation", False: "train"})
            rows.table["split"] = drawn.mask(rows.table["part"] == "valid", "test")


def _read_part(root: Path, part: str, finding: str) -> tuple[pd.DataFrame, str]:
    """Reads one of the two tables; its paths begin with a folder that may have another name by now."""
    read, table = read_csv(root, [f"{part}.csv"], _COLUMNS)
    column = next((name for name in read.columns if name.lower() == finding), None)
    if column is None:
        raise ManifestError(f"'{table}' has no column for {finding!r}. Give CheXpert's original file.")
    images = table.removesuffix(f"{part}.csv") + read["Path"].str.partition("/")[2]
    return read.assign(image=images, finding=read[column]), table


def _races(root: Path, patients: pd.Series[str]) -> tuple[pd.Series[str], str]:
    sheet, table = read_excel(root, _DEMOGRAPHICS)
    rows = sheet[1:].set_axis(sheet.iloc[0], axis="columns")
    absent = {"PATIENT", "PRIMARY_RACE"} - set(rows.columns)
    if absent:
        raise ManifestError(f"'{table}' has no column {sorted(absent)}. Give CheXpert's original file.")
    race_of = {patient: _race(text) for patient, text in zip(rows["PATIENT"], rows["PRIMARY_RACE"], strict=True)}
    return patients.map(race_of).fillna(""), table


def _race(text: str) -> str:
    if not text:
        return ""
    return next((race for part, race in _RACES if part in text.lower()), "Other")
