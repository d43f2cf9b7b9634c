"""CheXpert: chest radiographs with findings read from reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

import pandas as pd

from monai_fairtune.cohort.readers.chexpert_labels import (
    FINDING_HELP,
    UNCERTAIN_HELP,
    Finding,
    Uncertain,
    column_of,
    finding_labels,
    name_findings,
)
from monai_fairtune.cohort.readers.conflicts import Conflict, one_value
from monai_fairtune.cohort.readers.files import find_images
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows, validation_of_tenth
from monai_fairtune.cohort.readers.tables import find_file, read_csv, read_sheet, recode, years
from monai_fairtune.exceptions import ManifestError

__all__ = ["CheXpert"]

_COLUMNS = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA")
_DEMOGRAPHICS = ("CHEXPERT DEMO.xlsx", "CHEXPERT_DEMO.xlsx")
_RACES = (("unknown", ""), ("refused", ""), ("white", "White"), ("caucasian", "White"), ("black", "Black"),
          ("asian", "Asian"))  # fmt: skip


@dataclass(frozen=True)
class CheXpert:
    """CheXpert."""

    finding: Finding = option("no_finding", FINDING_HELP)
    uncertain: Uncertain = option("negative", UNCERTAIN_HELP)
    view: Literal["frontal", "lateral", "all"] = option("frontal", "the views to keep")
    valid: Literal["pool", "test", "drop"] = option(
        "pool",
        "valid.csv, 234 images that radiologists labelled: pooled with train.csv, splits being drawn later; the test "
        "split, a tenth of the other patients being validation; or left out",
    )
    race_conflict: Conflict = option(
        "missing", "the race of patients of whom CHEXPERT DEMO.xlsx has several: missing, or the most frequent one"
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
        parts = {part: _read_part(root, part, column_of(self.finding)) for part in ("train", "valid")}
        read = pd.concat([rows.assign(part=part) for part, (rows, _) in parts.items()], ignore_index=True)
        patients = read["image"].str.extract(r"(patient\d+)", expand=False).fillna("")
        rows = Rows(
            read.assign(
                label=finding_labels(read["finding"], self.finding, self.uncertain),
                patient_id=patients,
                sex=recode(read["Sex"], {"Female": "female", "Male": "male", "Unknown": "", "": ""}),
                age=years(read["Age"], zero_is_missing=True),
                view=read["Frontal/Lateral"].str.lower(),
                projection=read["AP/PA"],
            )
        )
        tables = [table for _, table in parts.values()]
        if find_file(root, _DEMOGRAPHICS) is not None:
            races, table = self._races(root)
            rows.table["race"] = rows.table["patient_id"].map(races).fillna("")
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

    def _choose(self, rows: Rows) -> None:
        rows.drop(~rows.table["view"].isin(["frontal", "lateral"] if self.view == "all" else [self.view]),
                  f"the view is not {self.view}")  # fmt: skip
        if self.valid == "drop":
            rows.drop(rows.table["part"] == "valid", "it is of valid.csv")
        name_findings(rows, self.finding)
        if self.valid == "test":
            drawn = validation_of_tenth(rows.table["patient_id"])
            rows.table["split"] = drawn.mask(rows.table["part"] == "valid", "test")

    def _races(self, root: Path) -> tuple[pd.Series[str], str]:
        """Returns the race by patient, and the table that it is from."""
        read, table = read_sheet(root, _DEMOGRAPHICS, ["PATIENT", "PRIMARY_RACE"])
        return one_value(read["PATIENT"], read["PRIMARY_RACE"].map(_race), self.race_conflict), table


def _read_part(root: Path, part: str, finding: str) -> tuple[pd.DataFrame, str]:
    """Reads one of the two tables; its paths begin with a folder that may have another name by now."""
    read, table = read_csv(root, [f"{part}.csv"], _COLUMNS)
    column = next((name for name in read.columns if name.lower() == finding), None)
    if column is None:
        raise ManifestError(f"'{table}' has no column for {finding!r}. Give CheXpert's original file.")
    images = table.removesuffix(f"{part}.csv") + read["Path"].str.partition("/")[2]
    return read.assign(image=images, finding=read[column]), table


def _race(text: str) -> str:
    if not text:
        return ""
    return next((race for part, race in _RACES if part in text.lower()), "Other")
