"""OASIS-1: MR volumes of the brain, for dementia."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.readers.files import find_images, reading
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_sheet_or_csv, recode, years
from monai_fairtune.exceptions import ConfigurationError, ImageError

__all__ = ["OASIS1"]

_COLUMNS = ("ID", "M/F", "Age", "MMSE", "CDR")
_SHEETS = ("oasis_cross-sectional*.xlsx",)  # the download's name ends in a hash
_AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
_LABELS = {"0": "0", "0.5": "1", "1": "1", "2": "1", "3": "1"}
_FORMATS = (".img", ".nii", ".nii.gz")


@dataclass(frozen=True)
class OASIS1:
    """OASIS-1."""

    cdr_blank: Literal["drop", "0"] = option(
        "drop", "subjects without a clinical dementia rating, most of them young: left out, or label 0"
    )
    plane: Literal["axial", "coronal", "sagittal"] = option("axial", "the plane of the slice that is cut")
    fraction: float = option(0.5, "where it is cut, from 0 (foot, back or left) to 1 (head, front or right)")
    index: int | None = option(None, "where it is cut, counted from 0, in place of the fraction")
    brain: Literal["masked", "whole"] = option("masked", "the brain alone, _masked_gfc, or the whole head, _gfc")

    about: ClassVar[About] = About(
        name="oasis1",
        title="OASIS-1, MR volumes of the brain, for dementia",
        licence="OASIS data use terms",
        access="https://sites.wustl.edu/oasisbrains",
        citation="Marcus, Wang, Parker et al. Journal of Cognitive Neuroscience 19, 1498 (2007)",
        layout="oasis_cross-sectional-<hash>.xlsx or oasis_cross-sectional.csv; <ID>/PROCESSED/MPRAGE/T88_111/*_gfc as "
        "Analyze or NIfTI, in any folders",
        label="1: CDR above 0; 0: CDR 0; blank by option",
        attributes={"sex": "M/F", "age": "years"},
        patients="the subject: OAS1_0061 of OAS1_0061_MR2",
        split="none is official",
        study=("sex", "age:75"),
        published={"sessions": 436, "subjects": 416},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        if not 0 <= self.fraction <= 1 or (self.index is not None and self.index < 0):
            raise ConfigurationError(
                f"The slice is to be cut at fraction {self.fraction:g}, index {self.index}. "
                "Give a fraction from 0 to 1, or an index from 0."
            )
        read, table = read_sheet_or_csv(root, _SHEETS, ["oasis_cross-sectional.csv"], _COLUMNS)
        ending = "_t88_masked_gfc" if self.brain == "masked" else "_t88_gfc"
        images = find_images(root, tuple(ending + each for each in _FORMATS))
        path_of = {PurePosixPath(name).name.partition("_mpr")[0]: name for name in reversed(images)}
        subjects = read["ID"].str.rsplit("_", n=1).str[0]
        rows = Rows(
            read.assign(
                image=[path_of.get(name, f"{name}/PROCESSED/MPRAGE/T88_111/{name}_mpr_n*_anon_111{ending}.img")
                       for name in read["ID"]],
                label=recode(read["CDR"], {**_LABELS, "": self.cdr_blank}),
                label_name=recode(read["CDR"], {each: f"CDR {each}" for each in _LABELS} | {"": "CDR not rated"}),
                patient_id=subjects,
                sex=recode(read["M/F"], {"F": "female", "M": "male", "": ""}),
                age=years(read["Age"], zero_is_missing=True),
            )
        )  # fmt: skip
        rows.drop(rows.table["label"] == "drop", "CDR is blank")
        return rows.found(
            self.about,
            images=images,
            counts={"sessions": len(read), "subjects": subjects.nunique()},
            tables=[table],
            also=["MMSE"],
            picture=self.picture,
        )

    def picture(self, root: Path, name: str) -> NDArray[np.generic]:
        """Returns one slice as a radiologist sees it: head or front at the top, the patient's left on the right."""
        with reading(name):
            volume = _upright(root / name)
            axis = _AXES[self.plane]
            n = volume.shape[axis]
            index = min(int(self.fraction * n), n - 1) if self.index is None else self.index
            if index >= n:
                raise ImageError(f"It has {n} {self.plane} slices, and number {index} is asked for.")
            return np.ascontiguousarray(np.moveaxis(volume, axis, 0)[index].T[::-1, ::-1])


def _upright(path: Path) -> NDArray[np.generic]:
    """Returns a volume whose axes run to the patient's right, front and head."""
    from monai.data import MetaTensor, NibabelReader
    from monai.transforms import Orientation
    from nibabel.filebasedimages import ImageFileError

    reader = NibabelReader()
    try:
        stored, about = reader.get_data(reader.read(path))
    except ImageFileError as error:
        raise ImageError(f"It is neither Analyze nor NIfTI: {error}. Download it again.") from error
    volume = np.squeeze(stored)
    if volume.ndim != 3:
        raise ImageError(f"Its shape is {stored.shape}, which is not one volume. Download it again.")
    turn = Orientation("RAS", labels=(("L", "R"), ("P", "A"), ("I", "S")))
    return np.asarray(turn(MetaTensor(volume[None], affine=about["affine"]))[0])
