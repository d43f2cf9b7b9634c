"""A dataset's own tables: found, read as text, and recoded without guessing."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from glob import escape
from pathlib import Path

import pandas as pd

from monai_fairtune.cohort.spreadsheets import read_spreadsheet
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.subgroups import canonical

__all__ = ["find_file", "read_csv", "read_excel", "read_sheet", "read_sheet_or_csv", "recode", "require_file", "years"]

_DEPTHS = ("", "*/", "*/*/")


def find_file(root: Path, names: Sequence[str]) -> Path | None:
    """Returns the first file that has one of the names, in ``root`` or up to two folders below; ``*`` is anything."""
    for depth in _DEPTHS:
        for name in names:
            pattern = depth + escape(name).replace("[*]", "*")
            found = sorted(path for path in root.glob(pattern) if path.is_file())
            if found:
                return found[0]
    return None


def require_file(root: Path, names: Sequence[str]) -> Path:
    """Returns what ``find_file`` finds.

    Raises:
        ManifestError: if the root is no folder, or holds no such file.
    """
    if not root.is_dir():
        raise ManifestError(f"The root '{root}' is not a folder. Give the folder that the download was unpacked into.")
    found = find_file(root, names)
    if found is None:
        there = sorted(path.name for path in root.iterdir())[:8]
        raise ManifestError(
            f"There is no {' or '.join(names)} in '{root}' or two folders below; it holds {there}. "
            "Give the folder that the download was unpacked into."
        )
    return found


def read_csv(
    root: Path, names: Sequence[str], columns: Sequence[str], *, further: Sequence[str] | None = None
) -> tuple[pd.DataFrame, str]:
    """Reads a CSV file, which may be compressed, its cells apart by commas or tabs, every cell as stripped text.

    Args:
        root: of the download.
        names: the file's possible names.
        columns: those that must be there.
        further: the others to read where they are there; None for all.

    Returns:
        The table, and its path relative to ``root``.

    Raises:
        ManifestError: if there is no such file, it cannot be read, or lacks a column.
    """
    path = require_file(root, names)
    used = None if further is None else {*columns, *further}
    try:
        table = pd.read_csv(
            path,
            sep=_separator(path),
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            usecols=None if used is None else lambda name: name.strip() in used,
        ).fillna("")
    except (
        pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError, EOFError, zlib.error,
    ) as error:  # fmt: skip
        raise ManifestError(
            f"'{path}' cannot be read: {str(error).strip()}. Download it again: it should be a CSV file in UTF-8."
        ) from error
    table.columns = table.columns.str.strip()
    _require_columns(path.name, list(table.columns), columns)
    return table.map(str.strip), path.relative_to(root).as_posix()


def _separator(path: Path) -> str:
    """Returns the tab where the header holds one: archives such as Dataverse deliver CSV files that way."""
    return "\t" if len(pd.read_csv(path, sep="\t", nrows=0, encoding="utf-8-sig").columns) > 1 else ","


def read_excel(root: Path, names: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """Reads the first sheet of an Excel file without taking any row for a header; else as :func:`read_csv`.

    Raises:
        ManifestError: if there is no such file, or it cannot be read.
        ConfigurationError: if openpyxl is not installed.
    """
    path = require_file(root, names)
    return read_spreadsheet(path)[0], path.relative_to(root).as_posix()


def read_sheet(root: Path, names: Sequence[str], columns: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """Reads the first sheet of an Excel file whose first row is its header; else as :func:`read_excel`.

    Raises:
        ManifestError: if a column is missing, too.
    """
    sheet, table = read_excel(root, names)
    _require_columns(table, list(sheet.iloc[0]), columns)
    return sheet[1:].set_axis(sheet.iloc[0], axis="columns").reset_index(drop=True), table


def read_sheet_or_csv(
    root: Path, sheets: Sequence[str], csvs: Sequence[str], columns: Sequence[str]
) -> tuple[pd.DataFrame, str]:
    """Reads an Excel file as :func:`read_sheet` does, or, where there is none, a CSV file as :func:`read_csv` does.

    Raises:
        ManifestError: if there is neither, too.
    """
    if find_file(root, sheets) is not None:
        return read_sheet(root, sheets, columns)
    require_file(root, [*sheets, *csvs])
    return read_csv(root, csvs, columns)


def _require_columns(table: str, there: Sequence[str], wanted: Sequence[str]) -> None:
    absent = [name for name in wanted if name not in there]
    if absent:
        raise ManifestError(
            f"'{table}' has no column {' and no column '.join(map(repr, absent))}; its columns are "
            f"{list(there)[:20]}. Give the original download of this dataset."
        )


def recode(column: pd.Series[str], codes: Mapping[str, str]) -> pd.Series[str]:
    """Replaces every cell by what its code stands for; ``1.0`` is the code ``1``.

    Args:
        column: text, whose name is the dataset's.
        codes: all that may occur; those that mean "not recorded" lead to a blank.

    Raises:
        ManifestError: if something else occurs: a code is never guessed.

    Example:
        >>> recode(pd.Series(["1.0", "0", ""], name="male"), {"0": "female", "1": "male", "": ""}).tolist()
        ['male', 'female', '']
    """
    cells = column.map(canonical)
    unknown = sorted(set(cells) - set(codes))
    if unknown:
        n_unknown = int(cells.isin(unknown).sum())
        raise ManifestError(
            f"Column {column.name!r} holds {unknown[:5]} in {n_unknown} of {len(column)} rows, and the codes of this "
            f"dataset are {sorted(codes)}. Give the original download, or correct these cells in a copy of it."
        )
    return cells.map(dict(codes))


def years(column: pd.Series[str], *, zero_is_missing: bool) -> pd.Series[str]:
    """Returns ages in years as text, ``80.0`` as ``80``, blank where they are not recorded.

    Args:
        column: text, whose name is the dataset's.
        zero_is_missing: whether 0 stands for "not recorded".

    Raises:
        ManifestError: if a cell is neither blank nor a number from 0 to 120.
    """
    cells = column.map(canonical)
    numbers = pd.to_numeric(cells.where(cells != ""), errors="coerce")
    bad = (cells != "") & ~numbers.between(0, 120)
    if bad.any():
        raise ManifestError(
            f"Column {column.name!r} holds {sorted(set(cells[bad]))[:5]} in {int(bad.sum())} of {len(column)} rows "
            "where ages in years belong. Give the original download, or correct these cells in a copy of it."
        )
    return cells.mask(numbers == 0, "") if zero_is_missing else cells
