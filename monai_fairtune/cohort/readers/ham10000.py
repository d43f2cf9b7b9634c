"""HAM10000: dermatoscopic images of pigmented skin lesions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from monai_fairtune.cohort.readers.files import find_images, paths_of
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_csv, recode, years

__all__ = ["HAM10000"]

_TABLE = ("HAM10000_metadata.csv", "HAM10000_metadata", "HAM10000_metadata.tab", "HAM10000_metadata.txt")
_COLUMNS = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
_LABELS = {"akiec": "1", "mel": "1", "bkl": "0", "df": "0", "nv": "0", "vasc": "0"}


@dataclass(frozen=True)
class HAM10000:
    """HAM10000."""

    bcc: Literal["malignant", "benign"] = option(
        "malignant", "basal cell carcinoma: malignant, which it is, or benign, as MEDFAIR and FairTune count it"
    )
    age_zero: Literal["missing", "years"] = option("missing", "age 0, of 39 images: not recorded, or newborn")

    about: ClassVar[About] = About(
        name="ham10000",
        title="HAM10000, dermatoscopic images of pigmented skin lesions",
        licence="CC BY-NC 4.0",
        access="https://doi.org/10.7910/DVN/DBW86T",
        citation="Tschandl, Rosendahl, Kittler. Scientific Data 5, 180161 (2018)",
        layout="HAM10000_metadata, with or without .csv, .tab or .txt; <image_id>.jpg in one or more folders",
        label="1: akiec, mel and, by option, bcc; 0: bkl, df, nv, vasc",
        attributes={
            "sex": "female, male; unknown is missing",
            "age": "years in steps of 5; blank, by option 0, missing",
        },
        patients="lesion_id, the only grouping there is: lesions of one patient are not known to be one patient's",
        split="none is official",
        study=("sex", "age:60"),
        published={"images": 10015, "lesions": 7470},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        read, table = read_csv(root, _TABLE, _COLUMNS)
        images = find_images(root, (".jpg",))
        rows = Rows(
            read.assign(
                image=paths_of(read["image_id"] + ".jpg", images),
                label=recode(read["dx"], _LABELS | {"bcc": "1" if self.bcc == "malignant" else "0"}),
                label_name=read["dx"],
                patient_id=read["lesion_id"],
                sex=recode(read["sex"], {"female": "female", "male": "male", "unknown": "", "": ""}),
                age=years(read["age"], zero_is_missing=self.age_zero == "missing"),
            )
        )
        return rows.found(
            self.about,
            images=images,
            counts={"images": len(read), "lesions": read["lesion_id"].nunique()},
            tables=[table],
            also=["dx_type", "localization"],
        )
