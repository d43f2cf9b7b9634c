"""Harvard-GF3300: thickness maps of the retinal nerve fibre layer, for glaucoma."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.readers.files import find_images, reading
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import recode, years
from monai_fairtune.cohort.readers.windows import require_window, to_window
from monai_fairtune.exceptions import ImageError, ManifestError

__all__ = ["HarvardGF3300"]

_FIELDS = ("glaucoma", "male", "race", "age")
_SPLITS = {"training": "train", "train": "train", "validation": "validation", "val": "validation", "test": "test"}
_RACES = {"0": "Asian", "1": "Black", "2": "White",
          "Asian": "Asian", "Black or African American": "Black", "White or Caucasian": "White"}  # fmt: skip


@dataclass(frozen=True)
class HarvardGF3300:
    """Harvard-GF3300."""

    thinnest: float = option(0.0, "thickness in um that is shown black; what is not measured lies below 0")
    thickest: float = option(350.0, "thickness in um that is shown white")

    about: ClassVar[About] = About(
        name="harvard_gf3300",
        title="Harvard-GF3300, thickness maps of the retinal nerve fibre layer, for glaucoma",
        licence="CC BY-NC-ND 4.0",
        access="https://ophai.hms.harvard.edu/datasets/harvard-glaucoma-fairness-3300-samples",
        citation="Luo, Tian, Shi et al. IEEE Transactions on Medical Imaging 43, 2623 (2024)",
        layout="folders Training, Validation and Test, each of NPZ files, one a patient",
        label="glaucoma: 1 or 0",
        attributes={
            "sex": "male: 0 female, 1 male",
            "age": "years",
            "race": "0 Asian, 1 Black, 2 White",
        },
        patients="the file: one a patient",
        split="official: the folder",
        study=("sex", "age:60", "race"),
        published={"train": 2100, "validation": 300, "test": 900},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        require_window(self.thinnest, self.thickest)
        images = find_images(root, (".npz",))
        split_of = {name: _SPLITS.get(PurePosixPath(name).parent.name.lower(), "") for name in images}
        named = [name for name in images if split_of[name]]
        if not named:
            raise ManifestError(
                f"'{root}' holds {len(images)} NPZ files and none of them in a folder Training, Validation or Test. "
                "Give the folder that the download was unpacked into."
            )
        rows = Rows(pd.DataFrame([{"image": name, "split": split_of[name], **_fields(root, name)} for name in named]))
        n_by_split = rows.table["split"].value_counts()
        rows.drop(rows.table["glaucoma"] == "unreadable", "the file cannot be read")
        rows.table = rows.table.assign(
            label=recode(rows.table["glaucoma"], {"0": "0", "1": "1"}),
            label_name=recode(rows.table["glaucoma"], {"0": "healthy", "1": "glaucoma"}),
            patient_id=rows.table["image"].str.removesuffix(".npz"),
            sex=recode(rows.table["male"], {"0": "female", "1": "male", "-1": ""}),
            age=years(rows.table["age"], zero_is_missing=True),
            race=recode(rows.table["race"], _RACES | {"-1": ""}),
        )
        counts = {split: int(n_by_split.get(split, 0)) for split in self.about.published}
        return rows.found(self.about, images=images, counts=counts, tables=[], picture=self.picture)

    def picture(self, root: Path, name: str) -> NDArray[np.uint16]:
        """Returns a thickness map, ``thinnest`` to ``thickest`` um as 0 to 65535.

        One range for all keeps what tells glaucoma: how thick the layer is, which a range for each image would hide.
        """
        with reading(name), np.load(root / name, allow_pickle=False) as archive:
            return to_window(archive["rnflt"], self.thinnest, self.thickest)


def _fields(root: Path, name: str) -> dict[str, str]:
    """Returns the numbers of one patient, which are arrays without dimensions; the maps are not unpacked for it."""
    try:
        with reading(name), np.load(root / name, allow_pickle=False) as archive:
            return {field: str(np.asarray(archive[field]).item()) for field in _FIELDS}
    except ImageError:
        return dict.fromkeys(_FIELDS, "unreadable")
