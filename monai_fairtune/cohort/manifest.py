"""Reading a manifest: the table that names images, labels and patients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.filters import keep_rows
from monai_fairtune.cohort.prepared import read_prepared
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.predictions import true_cell

__all__ = ["Manifest", "read_cells", "read_manifest"]

_MOST_NAMES = 6
_REQUIRED = ("image", "label", "patient_id")
_WHOLE_NUMBER = re.compile(r"^(-?\d+)(?:\.0+)?$")


@dataclass(frozen=True, eq=False, repr=False)
class Manifest:
    """The rows of a manifest, checked.

    Args:
        table: every column as text, stripped; a blank cell is a missing value.
        labels: shape ``(n,)``, 0 or 1, and both occur.
        class_names: what 0 and 1 mean: the names that the column ``label_name`` gives to each, if they are few and no
            name is given to both; else the digits.
        prepared: what ``monai-fairtune prepare`` recorded of the manifest; None where it did not write this one.
    """

    table: pd.DataFrame
    labels: NDArray[np.int64]
    class_names: tuple[str, str]
    prepared: Mapping[str, Any] | None = None

    @property
    def image_names(self) -> tuple[str, ...]:
        """The images as the manifest writes them, relative to the data root."""
        return tuple(self.table["image"])

    @property
    def patient_ids(self) -> NDArray[np.str_]:
        """Whose image each row is: shape ``(n,)``."""
        return self.table["patient_id"].to_numpy(dtype=np.str_)


def read_manifest(path: str | Path, *, where: str | None = None) -> Manifest:
    """Reads and checks a manifest; images are not touched.

    Args:
        path: a CSV file with one row an image and the columns ``image``, ``label`` and ``patient_id``.
        where: the rows to keep, such as ``"plane=axial,site=A|B"``; the others are not checked.

    Raises:
        ManifestError: if the file cannot be read, a required column is missing, an image is named twice, a label is
            not 0 or 1, one class is absent, or a patient id is blank.
    """
    cells = read_cells(path)
    _require_columns(list(cells.columns))
    table = keep_rows(cells, where)
    _require_filled(table, "image", "Name the image's file, relative to the data root.")
    _require_filled(table, "patient_id", "Give each image its patient, or a number of its own if patients are unknown.")
    _refuse_repeats(table)
    labels = _read_labels(table)
    return Manifest(table, labels, _class_names(table, labels), read_prepared(Path(path)))


def read_cells(path: str | Path) -> pd.DataFrame:
    """Reads all cells as text, as whoever wrote them meant it: see ``true_cell``; blank cells are blank text.

    Raises:
        ManifestError: if the file cannot be read, has two columns of one name, or has no rows.
    """
    try:  # pandas' own guesses turn 'NA' into missing and '007' into 7
        rows = pd.read_csv(path, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig").fillna("")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ManifestError(f"There is no manifest at '{path}'. Give the path of a CSV file.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise ManifestError(
            f"The manifest '{path}' cannot be read: {str(error).strip()}. "
            "Give a CSV file in UTF-8 with one row an image, separated by commas."
        ) from error
    rows = rows.map(lambda cell: true_cell(cell.strip()).strip())
    names = list(rows.iloc[0])
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise ManifestError(f"The manifest has several columns {repeated}. Give each column its own name.")
    if len(rows) == 1:
        raise ManifestError(f"The manifest '{path}' has a header and no rows. Add one row an image.")
    return rows.iloc[1:].reset_index(drop=True).set_axis(names, axis="columns")


def _require_columns(names: list[str]) -> None:
    missing = [name for name in _REQUIRED if name not in names]
    multi_label = [name for name in names if name.startswith("label_") and name != "label_name"]
    if missing == ["label"] and multi_label:
        raise ManifestError(
            f"The manifest has the label columns {multi_label}, and this version takes one binary label. "
            "Copy the finding to classify into a column 'label' holding 0 and 1."
        )
    if missing:
        raise ManifestError(
            f"The manifest has no column {' and no column '.join(map(repr, missing))}; its columns are {names}. "
            f"Give it the columns {', '.join(_REQUIRED)}."
        )


def _require_filled(table: pd.DataFrame, column: str, way_out: str) -> None:
    blank = (table[column] == "").to_numpy()
    if blank.any():
        raise ManifestError(f"Column {column!r} is blank in {_lines(blank)}. {way_out}")


def _refuse_repeats(table: pd.DataFrame) -> None:
    repeated = table["image"][table["image"].duplicated()].unique()
    if len(repeated):
        raise ManifestError(
            f"{len(repeated)} images stand in several rows, such as {repeated[:3].tolist()}. Keep one row an image."
        )


def _read_labels(table: pd.DataFrame) -> NDArray[np.int64]:
    texts = table["label"]
    matches = [_WHOLE_NUMBER.match(text) for text in texts]
    bad = np.array([match is None for match in matches])
    if bad.any():
        values = sorted(set(texts[bad]))
        raise ManifestError(f"Column 'label' holds {values[:5]} in {_lines(bad)}. Give every image the integer 0 or 1.")
    labels = np.array([int(match[1]) for match in matches if match], dtype=np.int64)
    counts = {int(label): int(count) for label, count in zip(*np.unique(labels, return_counts=True), strict=True)}
    if set(counts) - {0, 1}:
        raise ManifestError(
            f"Column 'label' holds {len(counts)} classes, {sorted(counts)[:10]}, and this version takes a binary "
            "label. Write 1 for the class to find and 0 for all others."
        )
    if len(counts) == 1:
        raise ManifestError(
            f"All {len(labels)} images have the label {next(iter(counts))}. Give images of both classes, 0 and 1."
        )
    return labels


def _class_names(table: pd.DataFrame, labels: NDArray[np.int64]) -> tuple[str, str]:
    if "label_name" in table.columns:
        zero, one = (set(table["label_name"][labels == label]) for label in (0, 1))
        if "" not in zero | one and zero.isdisjoint(one) and max(len(zero), len(one)) <= _MOST_NAMES:
            return (_joined(zero), _joined(one))
    return ("0", "1")


def _joined(names: set[str]) -> str:
    """Returns a class's names, in quotes where a comma or semicolon could be taken for the end of one."""
    if len(names) == 1:
        return next(iter(names))
    return ", ".join(repr(name) if set(name) & set(",;") else name for name in sorted(names))


def _lines(which: NDArray[np.bool_]) -> str:
    """Says how many rows, and the first few: counted without the header, as the reader of a table counts."""
    rows = (np.flatnonzero(which)[:3] + 1).tolist()
    return f"{int(which.sum())} of {len(which)} rows (the first: {', '.join(map(str, rows))})"
