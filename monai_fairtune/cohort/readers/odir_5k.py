"""ODIR-5K: fundus photographs of both eyes, with what an ophthalmologist noted of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd

from monai_fairtune.cohort.readers.files import find_images, paths_of
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_sheet_or_csv, recode, years

__all__ = ["ODIR5K"]

_SHEETS = ("ODIR-5K_Training_Annotations(Updated)_V2.xlsx", "ODIR-5K_Training_Annotations.xlsx", "data.xlsx")
_SIDES = {"Left": "left", "Right": "right"}
_COLUMNS = ("ID", "Patient Age", "Patient Sex", *(f"{side}-{what}" for side in _SIDES for what in
            ("Fundus", "Diagnostic Keywords")))  # fmt: skip
_NORMAL = "normal fundus"
_NO_FUNDUS = {"anterior segment image", "no fundus image"}
_QUALITY = {"low image quality", "image offset", "optic disk photographically invisible", "lens dust"}
# Column of the patient, and what the keywords of a diseased eye contain
_DISEASES = {
    "diabetes": ("D", r"(?:diabetic|proliferative) retinopathy"),
    "glaucoma": ("G", "glaucoma"),
    "cataract": ("C", "cataract"),
    "amd": ("A", "age-related macular degeneration"),
    "hypertension": ("H", "hypertensive retinopathy"),
    "myopia": ("M", r"pathological myopia|myop\w+ (?:retinopathy|maculopathy)"),
}


@dataclass(frozen=True)
class ODIR5K:
    """ODIR-5K."""

    finding: Literal["abnormal", "diabetes", "glaucoma", "cataract", "amd", "hypertension", "myopia"] = option(
        "abnormal", "abnormal: 1 is anything but a normal fundus; else 1 is the disease named"
    )
    suspected: Literal["1", "0", "drop"] = option("1", "the label of eyes in which the disease named is only suspected")
    low_quality: Literal["keep", "drop"] = option(
        "keep", "photographs remarked as of low quality, offset, dusty or without visible disk"
    )

    about: ClassVar[About] = About(
        name="odir_5k",
        title="ODIR-5K, fundus photographs of both eyes, with what an ophthalmologist noted of each",
        licence="terms of the challenge ODIR-2019: research only",
        access="https://odir2019.grand-challenge.org",
        citation="Li, Li, Hu et al. Bench (2020), arXiv 2102.07978",
        layout="ODIR-5K_Training_Annotations(Updated)_V2.xlsx, data.xlsx or full_df.csv; the JPG files that it names, "
        "in any folders; of two of one name, the first by path",
        label="1: by option, the eye is not normal, or its keywords name the disease; 0: the others",
        attributes={"sex": "Patient Sex: Female, Male", "age": "Patient Age, years; 0 is missing"},
        patients="ID, the patient of both eyes",
        split="none is official: the test sets are not labelled",
        study=("sex", "age:60"),
        published={"images": 7000, "patients": 3500},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        columns = [*_COLUMNS, "N", *(column for column, _ in _DISEASES.values())]
        read, table = read_sheet_or_csv(root, _SHEETS, ["full_df.csv"], columns)
        eyes = _eyes(read)
        images = find_images(root, (".jpg",))
        label = eyes["words"].map(self._label)
        rows = Rows(
            eyes.assign(
                image=paths_of(eyes["file"], images),
                label=label.replace("suspected", self.suspected),
                label_name=label.map({"0": "absent", "1": self.finding, "suspected": f"{self.finding} suspected"}),
                patient_id=eyes["ID"],
                sex=recode(eyes["Patient Sex"], {"Female": "female", "Male": "male", "": ""}),
                age=years(eyes["Patient Age"], zero_is_missing=True),
                contradicted=self._contradicted(eyes, label),
            )
        )
        rows.drop(rows.table["words"].map(lambda found: bool(found & _NO_FUNDUS)), "it does not show a fundus")
        rows.drop(rows.table["words"].map(lambda found: not found - _QUALITY), "nothing is noted of the eye")
        if self.low_quality == "drop":
            rows.drop(rows.table["words"].map(lambda found: bool(found & _QUALITY)), "its quality is remarked as low")
        rows.drop(rows.table["contradicted"], "what is noted of the eyes contradicts the patient's column")
        rows.drop(rows.table["label"] == "drop", f"{self.finding} is only suspected")
        return rows.found(
            self.about,
            images=images,
            counts={"images": len(eyes), "patients": eyes["ID"].nunique()},
            tables=[table],
            also=["eye"],
        )

    def _label(self, words: frozenset[str]) -> str:
        """Returns 0, 1, or ``suspected``, for what is noted of an eye."""
        if self.finding == "abnormal":
            return str(int(bool(words - _QUALITY - _NO_FUNDUS - {_NORMAL})))
        named = [word for word in words if re.search(_DISEASES[self.finding][1], word)]
        if not named:
            return "0"
        return "suspected" if all(word.startswith("susp") for word in named) else "1"

    def _contradicted(self, eyes: pd.DataFrame, label: pd.Series[str]) -> pd.Series[bool]:
        """Returns where the patient's column, which is of both eyes together, is not what is noted of them."""
        named = (label != "0").groupby(eyes["ID"]).transform("any")
        if self.finding == "abnormal":
            return (eyes["N"] == "1") & named
        return (eyes[_DISEASES[self.finding][0]] == "1") != named


def _eyes(read: pd.DataFrame) -> pd.DataFrame:
    """Returns one row an eye: ``full_df.csv`` has one already, the sheets have one a patient."""
    sides = []
    for side, eye in _SIDES.items():
        one = read.assign(file=read[f"{side}-Fundus"], noted=read[f"{side}-Diagnostic Keywords"], eye=eye)
        sides.append(one[one["file"] == one["filename"]] if "filename" in read.columns else one)
    eyes = pd.concat(sides, ignore_index=True).drop_duplicates("file", ignore_index=True)
    words = eyes["noted"].str.lower().str.split("[,\uff0c]")  # the second is the comma of Chinese typesetting
    return eyes.assign(words=words.map(lambda each: frozenset(word.strip() for word in each) - {""}))
