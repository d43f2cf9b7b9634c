"""Reading spreadsheets as text."""

from __future__ import annotations

import warnings
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from monai_fairtune.cohort.packages import require_package
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.subgroups import canonical

__all__ = ["read_spreadsheet"]


def read_spreadsheet(path: Path, sheet: str | None = None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Returns all cells of a sheet as stripped text, ``12.0`` as ``12``, and the names of all sheets.

    Args:
        path: of an Excel file (.xlsx).
        sheet: its name; None for the first one.

    Raises:
        ManifestError: if it cannot be read or has no such sheet; no cell is quoted.
        ConfigurationError: if openpyxl is not installed.
    """
    require_package("openpyxl", path.name)
    try:
        cells, sheets = _read(path, sheet)
    except (BadZipFile, KeyError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"openpyxl refuses it with {type(error).__name__}"
        raise ManifestError(
            f"The spreadsheet '{path}' cannot be read: {reason}. Save or download it again (.xlsx), or give a CSV file."
        ) from error
    if cells is None:
        raise ManifestError(f"'{path}' has no sheet {sheet!r}; its sheets are {list(sheets)}. Name one of them.")
    return cells.fillna("").map(str.strip).map(canonical), sheets


def _read(path: Path, sheet: str | None) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl's quote cells
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = tuple(map(str, book.sheet_names))
            if sheet is not None and sheet not in sheets:
                return None, sheets
            return book.parse(sheet or sheets[0], header=None, dtype=str, keep_default_na=False), sheets
