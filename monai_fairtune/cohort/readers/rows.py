"""From the rows of a dataset's tables to those of a manifest."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from monai_fairtune.cohort.paths import summarize
from monai_fairtune.cohort.readers.reader import About, FoundCohort, Picture
from monai_fairtune.exceptions import ManifestError

__all__ = ["Rows", "validation_of_tenth"]

_FIRST = ("image", "label", "label_name", "patient_id")


class Rows:
    """The rows that are left, and why the others are not.

    Args:
        table: one row an image, which is named in the column ``image``.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table.reset_index(drop=True)
        self._named = tuple(table["image"])
        self._dropped: dict[str, int] = {}

    def drop(self, which: pd.Series[bool], reason: str) -> None:
        """Leaves rows out; a reason that meets no row is not kept."""
        if which.any():
            self._dropped[reason] = int(which.sum())
            self.table = self.table[~which].reset_index(drop=True)

    def found(
        self,
        about: About,
        *,
        images: Collection[str],
        counts: Mapping[str, int],
        tables: Sequence[str],
        also: Sequence[str] = (),
        picture: Picture | None = None,
        container: str | None = None,
    ) -> FoundCohort:
        """Returns what a reader found; a row that repeats another is left out.

        Args:
            about: names the attributes, of which some may have no column.
            images: all that are there, as the column ``image`` would name them.
            counts: as ``FoundCohort`` wants them, like ``tables`` and ``picture``.
            tables: see there.
            also: further columns to keep.
            picture: see there.
            container: see there.

        Raises:
            ManifestError: if rows of one image differ.
        """
        there, named = set(images), set(self._named)
        order = [*_FIRST, *about.attributes, *also, "split"]
        columns = [name for name in order if name in self.table.columns]
        self.drop(self.table[columns].duplicated(), "another row says the same")
        _refuse_contradictions(self.table["image"])
        return FoundCohort(
            rows=self.table[columns],
            n_read=len(self._named),
            dropped=self._dropped,
            missing=tuple(name for name in self.table["image"] if name not in there),
            surplus=tuple(name for name in images if name not in named),
            counts=counts,
            tables=tuple(tables),
            picture=picture,
            container=container,
        )


def _refuse_contradictions(images: pd.Series[str]) -> None:
    repeated = images[images.duplicated()].unique()
    if len(repeated):
        raise ManifestError(
            f"{len(repeated)} images have rows that differ: {summarize(repeated)}. Keep the right ones in a copy of "
            "the download."
        )


def validation_of_tenth(patients: pd.Series[str]) -> pd.Series[str]:
    """Returns ``validation`` for a tenth of the patients and ``train`` for the others, whatever the order of rows.

    For datasets with an official test split and no validation split.
    """
    return patients.map(lambda patient: "validation" if zlib.crc32(patient.encode()) % 10 == 0 else "train")
