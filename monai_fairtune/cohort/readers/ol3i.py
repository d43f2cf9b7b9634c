"""OL3I: abdominal CT slices, for ischaemic heart disease."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.decoding import SUFFIXES
from monai_fairtune.cohort.packages import require_package
from monai_fairtune.cohort.readers.files import find_images, reading
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_csv, recode, require_file, years
from monai_fairtune.cohort.readers.windows import require_window, to_window
from monai_fairtune.exceptions import ConfigurationError, ManifestError

__all__ = ["OL3I"]

_SPLITS = {"train": "train", "val": "validation", "test": "test", "": ""}


@dataclass(frozen=True)
class OL3I:
    """OL3I. Its layout is described by nobody: defaults are what public scripts read, and every name is an option."""

    table: str = option("clinical_data.csv", "the table's file")
    slices: str = option("l3_slices.h5", "the HDF5 file of slices in HU, one a name of the identifier's column")
    image_column: str = option("", "the column of image files relative to the root, in place of the HDF5 file")
    id_column: str = option("anon_id", "the column that identifies examination and patient")
    label_column: str = option("label_1y", "the column of the label: label_1y, or label_5y")
    split_column: str = option("set_1y", "the column of official splits; '' leaves them to be drawn later")
    sex_column: str = option("sex", "the column of the sex")
    female: str = option("female", "how a female is written")
    male: str = option("male", "how a male is written")
    age_column: str = option("age", "the column of the age in years")
    low: float = option(-160.0, "HU that are shown black: the usual window of soft tissue")
    high: float = option(240.0, "HU that are shown white")

    about: ClassVar[About] = About(
        name="ol3i",
        title="OL3I, abdominal CT slices, for ischaemic heart disease",
        licence="Stanford University Dataset Research Use Agreement",
        access="https://stanfordaimi.azurewebsites.net/datasets/3263e34a-252e-460f-8f63-d585a9bfecfc",
        citation="Zambrano Chaves, Wentland, Desai et al. Scientific Reports 13, 21034 (2023)",
        layout="clinical_data.csv and l3_slices.h5, or, by option, other names and image files",
        label="1: ischaemic heart disease within a year; 0: none; blank is left out",
        attributes={"sex": "as recorded", "age": "years"},
        patients="the identifier",
        split="official, from the table, unless split_column is ''",
        study=("sex", "age:60"),
        published={"images": 8139},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        require_window(self.low, self.high)
        self._require_names()
        columns = [self.id_column, self.label_column, self.sex_column, self.age_column]
        columns += [name for name in (self.image_column, self.split_column) if name]
        read, table = read_csv(root, [self.table], columns)
        images = find_images(root, SUFFIXES) if self.image_column else self._slice_names(root)
        rows = Rows(
            read.assign(
                image=read[self.image_column or self.id_column],
                label=recode(read[self.label_column], {"0": "0", "1": "1", "": ""}),
                label_name=recode(read[self.label_column], {"0": "no event", "1": "event", "": ""}),
                patient_id=read[self.id_column],
                sex=recode(read[self.sex_column], {self.female: "female", self.male: "male", "": ""}),
                age=years(read[self.age_column], zero_is_missing=True),
            )
        )
        rows.drop(rows.table["label"] == "", f"{self.label_column} is blank")
        if self.split_column:
            rows.table["split"] = recode(rows.table[self.split_column], _SPLITS)
            rows.drop(rows.table["split"] == "", f"{self.split_column} is blank")
        return rows.found(
            self.about,
            images=images,
            counts={"images": len(read)},
            tables=[table],
            picture=None if self.image_column else self.picture,
            container=None if self.image_column else self._container(root).relative_to(root).as_posix(),
        )

    def _require_names(self) -> None:
        files = {"table": self.table} | ({} if self.image_column else {"slices": self.slices})
        for name, file in files.items():
            if not file or PurePath(file).is_absolute() or ".." in PurePath(file).parts:
                raise ConfigurationError(f"The option {name} is {file!r}. Name a file by its path from the root.")

    def _slice_names(self, root: Path) -> list[str]:
        with self._open(root) as file:
            return list(file)

    def _container(self, root: Path) -> Path:
        return require_file(root, [self.slices])

    def _open(self, root: Path) -> Any:
        path = self._container(root)
        require_package("h5py", path.name)
        import h5py

        try:
            return h5py.File(path, "r")
        except OSError as error:
            raise ManifestError(
                f"'{path}' cannot be read: {error}. Download it again: it should be an HDF5 file."
            ) from error

    def picture(self, root: Path, name: str) -> NDArray[np.uint16]:
        """Returns a slice, ``low`` to ``high`` HU as 0 to 65535."""
        with reading(name), self._open(root) as file:
            return to_window(file[name][()], self.low, self.high)
