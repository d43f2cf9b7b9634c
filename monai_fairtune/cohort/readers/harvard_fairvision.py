"""Harvard-FairVision: fundus photographs and OCT of three eye diseases, with identities that patients gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.readers.files import find_images, paths_of, reading
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_csv, recode, years
from monai_fairtune.cohort.readers.windows import to_window

__all__ = ["HarvardFairVision"]

_COLUMNS = ("filename", "age", "gender", "race", "ethnicity", "use")
_STAGES = {
    "amd": {"normal": 0, "no amd": 0, "early amd": 1, "intermediate amd": 2, "late amd": 3},
    "dr": {"normal": 0, "no dr": 0, "non-vision threatening dr": 0, "vision threatening dr": 1},
    "glaucoma": {"no": 0, "yes": 1},
}
_AMD_FROM = {"early": 1, "intermediate": 2, "late": 3}
_UNKNOWN = {"unknown": "", "": ""}
_USES = {"training": "train", "train": "train", "validation": "validation", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class HarvardFairVision:
    """Harvard-FairVision."""

    disease: Literal["glaucoma", "amd", "dr"] = option(
        "glaucoma", "the part to read: glaucoma, age-related macular degeneration, or diabetic retinopathy"
    )
    amd_from: Literal["early", "intermediate", "late"] = option(
        "early", "the stage of amd from which on the label is 1"
    )
    image: Literal["slo_fundus", "oct_bscans"] = option(
        "slo_fundus", "the fundus photograph, or the middle B-scan of the OCT volume"
    )

    about: ClassVar[About] = About(
        name="harvard_fairvision",
        title="Harvard-FairVision, fundus photographs and OCT, for three eye diseases",
        licence="CC BY-NC-ND 4.0",
        access="https://ophai.hms.harvard.edu/datasets/harvard-fairvision30k",
        citation="Luo, Khan, Tian et al. arXiv 2310.02492 (2024)",
        layout="data_summary_<disease>.csv; the NPZ files that it names, one a patient, below a folder AMD, DR or "
        "Glaucoma, or below the root where that is one of these",
        label="1: glaucoma yes, vision threatening dr, or amd from the stage of the option on; 0: the others",
        attributes={
            "sex": "gender: female, male",
            "age": "years",
            "race": "Asian, Black, White",
            "ethnicity": "hispanic, non-hispanic; unknown is missing",
        },
        patients="the file: one a patient",
        split="official: the column use",
        study=("sex", "age:60", "race", "ethnicity"),
        published={"images": 10000},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        read, table = read_csv(root, [f"data_summary_{self.disease}.csv"], [*_COLUMNS, self.disease])
        images = self._of_disease(find_images(root, (".npz",)))
        texts = {name: read[name].str.lower() for name in (*_COLUMNS[2:], self.disease)}
        least = _AMD_FROM[self.amd_from] if self.disease == "amd" else 1
        labels = {stage: str(int(grade >= least)) for stage, grade in _STAGES[self.disease].items()}
        rows = Rows(
            read.assign(
                image=paths_of(read["filename"], images),
                label=recode(texts[self.disease], labels),
                label_name=texts[self.disease],
                patient_id=read["filename"].str.removesuffix(".npz"),
                sex=recode(texts["gender"], {"female": "female", "male": "male", **_UNKNOWN}),
                age=years(read["age"], zero_is_missing=True),
                race=recode(texts["race"], {"asian": "Asian", "black": "Black", "white": "White", **_UNKNOWN}),
                ethnicity=recode(
                    texts["ethnicity"], {"hispanic": "hispanic", "non-hispanic": "non-hispanic", **_UNKNOWN}
                ),
                split=recode(texts["use"], _USES),
            )
        )
        return rows.found(self.about, images=images, counts={"images": len(read)}, tables=[table], picture=self.picture)

    def picture(self, root: Path, name: str) -> NDArray[np.uint16]:
        """Returns the photograph or the middle B-scan, 0 to 255 as 0 to 65535."""
        with reading(name), np.load(root / name, allow_pickle=False) as archive:
            values = archive[self.image]
            return to_window(values if self.image == "slo_fundus" else values[len(values) // 2], 0, 255)

    def _of_disease(self, images: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the files of the disease's folder: those of the three diseases have the same names.

        Where no folder below the root is a disease's, the root is this one's: its table is there.
        """
        folders_of = {name: {part.lower() for part in PurePosixPath(name).parts[:-1]} for name in images}
        if not any(folders & _STAGES.keys() for folders in folders_of.values()):
            return images
        return tuple(name for name, folders in folders_of.items() if self.disease in folders)
