"""PAPILA: fundus images of both eyes, for glaucoma."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd

from monai_fairtune.cohort.readers.files import find_images, paths_of
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_excel, recode, years
from monai_fairtune.exceptions import ManifestError

__all__ = ["PAPILA"]

_COLUMNS = ("age", "gender", "diagnosis")
_NAMES = {"0": "healthy", "1": "glaucoma", "2": "suspect"}


@dataclass(frozen=True)
class PAPILA:
    """PAPILA."""

    suspects: Literal["drop", "0", "1"] = option("drop", "the label of eyes suspected of glaucoma")

    about: ClassVar[About] = About(
        name="papila",
        title="PAPILA, fundus images of both eyes, for glaucoma",
        licence="CC BY 4.0",
        access="https://doi.org/10.6084/m9.figshare.14798004",
        citation="Kovalyk, Morales-Sanchez, Verdu-Monedero et al. Scientific Data 9, 291 (2022)",
        layout="ClinicalData/patient_data_od.xlsx and _os.xlsx; FundusImages/RET<number>OD.jpg and OS.jpg",
        label="1: Diagnosis 1, glaucoma; 0: Diagnosis 0; suspects, Diagnosis 2, by option",
        attributes={"sex": "Gender: 0 male, 1 female", "age": "years"},
        patients="the patient of both eyes",
        split="none is official",
        study=("sex", "age:60"),
        published={"images": 488, "patients": 244, "eyes with glaucoma": 87, "suspects": 68},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        eyes = {"od": "right", "os": "left"}
        sides = {side: _read_side(root, side) for side in eyes}
        read = pd.concat([table.assign(side=side) for side, (table, _) in sides.items()], ignore_index=True)
        images = tuple(name for name in find_images(root, (".jpg",)) if Path(name).stem.startswith("RET"))
        names = "RET" + read["patient"] + read["side"].str.upper()
        diagnoses = recode(read["diagnosis"], _NAMES)
        rows = Rows(
            read.assign(
                image=paths_of("FundusImages/" + names + ".jpg", images),
                label=recode(read["diagnosis"], {"0": "0", "1": "1", "2": self.suspects}),
                label_name=diagnoses,
                patient_id=read["patient"],
                sex=recode(read["gender"], {"0": "male", "1": "female", "": ""}),
                age=years(read["age"], zero_is_missing=True),
                eye=read["side"].map(eyes),
            )
        )
        rows.drop(rows.table["image"].duplicated(), "an earlier row is about the same eye")
        rows.drop(rows.table["label"] == "drop", "glaucoma is suspected")
        return rows.found(
            self.about,
            images=images,
            counts={
                "images": len(read),
                "patients": read["patient"].nunique(),
                "eyes with glaucoma": int((diagnoses == "glaucoma").sum()),
                "suspects": int((diagnoses == "suspect").sum()),
            },
            tables=[table for _, table in sides.values()],
            also=["eye"],
        )


def _read_side(root: Path, side: str) -> tuple[pd.DataFrame, str]:
    """Reads one eye's sheet: below one to three rows of headings come rows that begin with a patient, as ``#002``."""
    name = f"patient_data_{side}.xlsx"
    sheet, table = read_excel(root, [f"ClinicalData/{name}", name])
    is_patient = sheet[0].str.fullmatch(r"#?\d+")
    headings = sheet[~is_patient].map(str.lower)
    places = {column: [place for place in sheet.columns if (headings[place] == column).any()] for column in _COLUMNS}
    absent = [column for column, found in places.items() if len(found) != 1]
    if absent or not is_patient.any():
        raise ManifestError(
            f"'{table}' has {int(is_patient.sum())} rows that begin with a patient such as #002, and not one column "
            f"each for {absent or list(_COLUMNS)}. Give PAPILA's original file."
        )
    rows = sheet[is_patient].reset_index(drop=True)
    columns = {column: rows[found[0]].rename(column) for column, found in places.items()}
    return pd.DataFrame({"patient": rows[0].str.lstrip("#").str.zfill(3), **columns}), table
