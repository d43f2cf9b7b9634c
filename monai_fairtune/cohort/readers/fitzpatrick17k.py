"""Fitzpatrick17k: clinical photographs of skin conditions with skin types."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from monai_fairtune.cohort.readers.files import find_images, paths_of
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_csv, recode

__all__ = ["Fitzpatrick17k"]

_COLUMNS = ("md5hash", "fitzpatrick_scale", "label", "three_partition_label", "qc")
_LABELS = {"malignant": "1", "benign": "0", "non-neoplastic": "0"}
_SKIN_TYPES = {str(each): str(each) for each in range(1, 7)} | {"-1": "", "": ""}
_WRONG = "3 Wrongly labelled"


@dataclass(frozen=True)
class Fitzpatrick17k:
    """Fitzpatrick17k."""

    wrongly_labelled: Literal["keep", "drop"] = option(
        "keep", "images whose label a dermatologist called wrong: 17 of the 504 that were looked at"
    )

    about: ClassVar[About] = About(
        name="fitzpatrick17k",
        title="Fitzpatrick17k, clinical photographs of skin conditions with skin types",
        licence="CC BY-NC-SA 3.0 for the annotations; the photographs belong to the atlases they are from",
        access="https://github.com/mattgroh/fitzpatrick17k",
        citation="Groh, Harris, Soenksen et al. CVPR Workshops (2021), arXiv 2104.09957",
        layout="fitzpatrick17k.csv; <md5hash>.jpg in any folders",
        label="1: three_partition_label is malignant; 0: benign or non-neoplastic",
        attributes={"skin_type": "1 to 6, fitzpatrick_scale; -1 is missing"},
        patients="md5hash, the image: patients are not recorded",
        split="none is official",
        study=("skin_type:1-3,4-6",),
        published={"images": 16577, "images of unknown skin type": 565},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        read, table = read_csv(root, ["fitzpatrick17k.csv"], _COLUMNS)
        images = find_images(root, (".jpg",))
        skin_types = recode(read["fitzpatrick_scale"], _SKIN_TYPES)
        rows = Rows(
            read.assign(
                image=paths_of(read["md5hash"] + ".jpg", images),
                label=recode(read["three_partition_label"], _LABELS),
                label_name=read["three_partition_label"],
                patient_id=read["md5hash"],
                skin_type=skin_types,
                condition=read["label"],
            )
        )
        if self.wrongly_labelled == "drop":
            rows.drop(rows.table["qc"] == _WRONG, "a dermatologist called the label wrong")
        return rows.found(
            self.about,
            images=images,
            counts={"images": len(read), "images of unknown skin type": int((skin_types == "").sum())},
            tables=[table],
            also=["condition"],
        )
