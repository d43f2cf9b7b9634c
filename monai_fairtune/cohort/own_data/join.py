"""Finding the row of each image."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.own_data.dates import read_dates
from monai_fairtune.cohort.own_data.images import without_ending
from monai_fairtune.cohort.own_data.mapping import STUDY_DATE, DateSource, Join
from monai_fairtune.cohort.own_data.sources import Source

__all__ = ["Joined", "join_rows", "n_shared_keys", "stacked"]

_UNMATCHED = -1


@dataclass(frozen=True, eq=False, repr=False)
class Joined:
    """The row of each image.

    Args:
        row_of_image: shape ``(n_images,)``, a position in the table, or -1 where there is none.
        n_rows: how many rows have at least one image.
        rows_left: why a row has no image, to how many there are.
        images_left: why an image has no row, to how many there are.
    """

    row_of_image: NDArray[np.int64]
    n_rows: int
    rows_left: dict[str, int]
    images_left: dict[str, int]

    @property
    def n_images(self) -> int:
        """How many images have a row."""
        return int(self.is_matched.sum())

    @property
    def is_matched(self) -> NDArray[np.bool_]:
        """Which images have a row: shape ``(n_images,)``."""
        return np.asarray(self.row_of_image != _UNMATCHED)

    def frame(self, table: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
        """Returns one row an image that has a row of the table; columns are named as ``Source`` says."""
        rows = table.iloc[self.row_of_image[self.is_matched]].reset_index(drop=True)
        return pd.concat(
            [images[self.is_matched].reset_index(drop=True), rows.rename(columns=_column_name)], axis="columns"
        )

    @property
    def images_of_row(self) -> NDArray[np.int64]:
        """How many images each row has; rows behind the last one that has any are not there."""
        return np.bincount(self.row_of_image[self.is_matched])

    @property
    def most_images(self) -> int:
        """How many images the row with most of them has."""
        return int(self.images_of_row.max(initial=0))


def join_rows(table: pd.DataFrame, images: pd.DataFrame, join: Join, used: Sequence[str]) -> Joined:
    """Finds the row of each image; several images may have one row.

    Of rows with one key that say the same in the used columns, the first is taken; where they differ none is, and
    neither where ignoring leading zeros makes one number of two that both occur among the images.

    Args:
        table: rows with a header, all text.
        images: one row an image, its columns named as ``Source`` says.
        join: the key.
        used: columns that a difference matters in.
    """
    rows, keys = _keys_of_rows(table, join), _keys_of_images(images, join)
    spelled = images[str(join.image)]
    given = rows != ""
    is_copy = given & table[list(used)].assign(**{"": rows}).duplicated()
    once = rows[given & ~is_copy]
    differing = set(once[once.duplicated(keep=False)])
    merged = set(keys[~pd.DataFrame({"key": keys, "spelled": spelled}).duplicated()].pipe(_repeated))
    left_out = differing | merged
    position = {key: row for row, key in once.items() if key not in left_out}
    row_of_image = keys.map(position).fillna(_UNMATCHED).to_numpy(dtype=np.int64)
    has_image = np.isin(np.arange(len(table)), row_of_image)
    unsure = rows.isin(differing)
    rows_left = {
        "the key is blank": ~given,
        "an earlier row says the same": is_copy,
        "another row with this key differs": given & ~is_copy & unsure,
        "no image has this key": given & ~is_copy & ~unsure & ~has_image,
    }
    no_row = pd.Series(row_of_image == _UNMATCHED)
    images_left = {
        "the key is blank": keys == "",
        "rows with this key differ": no_row & keys.isin(differing),
        "ignoring leading zeros makes it another image's key": no_row & keys.isin(merged) & ~keys.isin(differing),
        "no row has this key": no_row & (keys != "") & ~keys.isin(left_out),
    }
    return Joined(row_of_image, int(has_image.sum()), _counts(rows_left), _counts(images_left))


def n_shared_keys(table: pd.DataFrame, images: pd.DataFrame, join: Join) -> int:
    """Returns how many keys rows and images share, the most rows that can find images; much faster than to join."""
    rows, keys = (each.to_numpy(dtype=object) for each in (_keys_of_rows(table, join), _keys_of_images(images, join)))
    return len(set(rows) & set(keys) - {""})


def stacked(table: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Returns images and rows one below the other, blank where one lacks the other's columns: for an open join."""
    return pd.concat([images, table.rename(columns=_column_name)], ignore_index=True).fillna("")


def _column_name(name: str) -> str:
    return str(Source("column", name))


def _keys_of_rows(table: pd.DataFrame, join: Join) -> pd.Series[str]:
    keys = _keys(table[join.column], join)
    return keys if join.date is None else _dated(keys, table.rename(columns=_column_name), join.date)


def _keys_of_images(images: pd.DataFrame, join: Join) -> pd.Series[str]:
    keys = _keys(images[str(join.image)], join)
    return keys if join.date is None else _dated(keys, images, STUDY_DATE)


def _dated(keys: pd.Series[str], frame: pd.DataFrame, date: DateSource) -> pd.Series[str]:
    """Returns keys with their dates, blank where either is."""
    days = read_dates(frame, date).dt.strftime("%Y%m%d").fillna("")
    return (keys + " " + days).where((keys != "") & (days != ""), "")


def _keys(cells: pd.Series[str], join: Join) -> pd.Series[str]:
    """Returns what is compared: each distinct cell is looked at once."""
    return cells.map(
        {cell: _key(cell, join.image, ignore_zeros=join.leading_zeros == "ignore") for cell in cells.unique()}
    )


def _key(cell: str, image: Source, *, ignore_zeros: bool) -> str:
    if image.kind == "image" and cell:
        path = posixpath.normpath(cell.replace("\\", "/"))
        name = posixpath.basename(path)
        cell = {"path": path, "name": name, "stem": without_ending(name)}[image.name]
    return (cell.lstrip("0") or "0") if ignore_zeros and cell.isascii() and cell.isdigit() else cell


def _repeated(keys: pd.Series[str]) -> pd.Series[str]:
    return keys[keys.duplicated() & (keys != "")]


def _counts(which: dict[str, pd.Series[bool]]) -> dict[str, int]:
    return {reason: int(rows.sum()) for reason, rows in which.items() if rows.any()}
