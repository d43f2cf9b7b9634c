"""NIH ChestX-ray14: chest radiographs with findings read from reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd

from monai_fairtune.cohort.ages import age_text, years_from_text
from monai_fairtune.cohort.readers.files import find_images, paths_of
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows, validation_of_tenth
from monai_fairtune.cohort.readers.tables import read_csv, recode, require_file
from monai_fairtune.exceptions import ManifestError

__all__ = ["ChestXray14"]

_TABLE = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
_COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "Patient Age", "View Position")
_SEX = ("Patient Gender", "Patient Sex")
_LISTS = {"train": "train_val_list.txt", "test": "test_list.txt"}
_NO_FINDING = "no_finding"
_FINDINGS = {
    _NO_FINDING, "atelectasis", "cardiomegaly", "consolidation", "edema", "effusion", "emphysema", "fibrosis", "hernia",
    "infiltration", "mass", "nodule", "pleural_thickening", "pneumonia", "pneumothorax",
}  # fmt: skip


@dataclass(frozen=True)
class ChestXray14:
    """NIH ChestX-ray14."""

    finding: Literal[
        "no_finding", "atelectasis", "cardiomegaly", "consolidation", "edema", "effusion", "emphysema", "fibrosis",
        "hernia", "infiltration", "mass", "nodule", "pleural_thickening", "pneumonia", "pneumothorax",
    ] = option("no_finding", "no_finding: 1 is any of the 14 findings, 0 is none; else 1 is the one named")  # fmt: skip
    projection: Literal["all", "PA", "AP"] = option(
        "all", "the projections to keep: AP is taken of patients who cannot stand, and tells the label in part"
    )
    split: Literal["official", "drawn"] = option(
        "official", "test_list.txt is the test split, a tenth of the other patients being validation; or drawn later"
    )

    about: ClassVar[About] = About(
        name="chestxray14",
        title="NIH ChestX-ray14, chest radiographs with findings read from reports",
        licence="NIH Clinical Center: use without restriction, with acknowledgement and citation",
        access="https://nihcc.app.box.com/v/ChestXray-NIHCC",
        citation="Wang, Peng, Lu et al. CVPR (2017), arXiv 1705.02315",
        layout="Data_Entry_2017.csv or Data_Entry_2017_v2020.csv, train_val_list.txt and test_list.txt; the PNG files "
        "in any folders, such as images_001/images",
        label="by option 1 is any finding and 0 none, or 1 is the one among Finding Labels: see finding",
        attributes={
            "sex": "Patient Gender, or Patient Sex: F, M",
            "age": "years; days and months of the first edition, 041D, converted; above 120 is missing",
        },
        patients="Patient ID",
        split="official: test_list.txt; validation is drawn from train_val_list.txt",
        study=("sex", "age:60"),
        published={
            "images": 112120,
            "patients": 30805,
            "images of train_val_list": 86524,
            "images of test_list": 25596,
        },
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        read, table = read_csv(root, _TABLE, _COLUMNS)
        lists = {split: _read_list(root, name) for split, name in _LISTS.items()}
        images = find_images(root, (".png",))
        rows = Rows(
            read.assign(
                image=paths_of(read["Image Index"], images),
                label=self._labels(read["Finding Labels"]),
                label_name=read["Finding Labels"],
                patient_id=read["Patient ID"],
                sex=recode(_sex(read, table), {"F": "female", "M": "male", "": ""}),
                age=read["Patient Age"].map(lambda text: age_text(years_from_text(text))),
                projection=read["View Position"],
            )
        )
        self._choose(rows, lists)
        return rows.found(
            self.about,
            images=images,
            counts={
                "images": len(read),
                "patients": read["Patient ID"].nunique(),
                "images of train_val_list": len(lists["train"]),
                "images of test_list": len(lists["test"]),
            },
            tables=[table, *(require_file(root, [name]).relative_to(root).as_posix() for name in _LISTS.values())],
            also=["projection"],
        )

    def _labels(self, column: pd.Series[str]) -> pd.Series[str]:
        findings = column.str.lower().str.replace(" ", "_").str.split("|").map(set)
        unknown = sorted(set().union(*findings) - _FINDINGS)
        if unknown:
            raise ManifestError(
                f"Column 'Finding Labels' holds {unknown[:5]}; the findings of this dataset are {sorted(_FINDINGS)}. "
                "Give the original download."
            )
        named = findings.map(lambda found: self.finding in found)
        return (named != (self.finding == _NO_FINDING)).map({True: "1", False: "0"})

    def _choose(self, rows: Rows, lists: dict[str, frozenset[str]]) -> None:
        if self.projection != "all":
            rows.drop(rows.table["projection"] != self.projection, f"the projection is not {self.projection}")
        if self.split == "drawn":
            return
        names = rows.table["Image Index"]
        test = names.isin(lists["test"])
        rows.table["split"] = validation_of_tenth(rows.table["patient_id"]).mask(test, "test")
        rows.drop(~test & ~names.isin(lists["train"]), "neither list names the image")


def _sex(read: pd.DataFrame, table: str) -> pd.Series[str]:
    for name in _SEX:
        if name in read.columns:
            return read[name]
    raise ManifestError(f"'{table}' has no column {' or '.join(map(repr, _SEX))}. Give the original download.")


def _read_list(root: Path, name: str) -> frozenset[str]:
    path = require_file(root, [name])
    try:
        return frozenset(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"'{path}' cannot be read: {error}. Download it again: it should be text.") from error
