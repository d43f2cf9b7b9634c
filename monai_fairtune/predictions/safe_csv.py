"""CSV files whose cells no spreadsheet takes for a formula."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from monai_fairtune.predictions.durable import write_durably

__all__ = ["csv_bytes", "safe_cell", "true_cell", "write_csv"]

_FIRST = list("=+-@\t\r\n'")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def safe_cell(cell: object) -> object:
    """Returns a cell that a spreadsheet shows as it is: text that could be a formula gets a single quote in front.

    A formula begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break. Numbers stay numbers, also negative ones.
    Text of that kind behind quotes gets one more, so that ``true_cell`` finds the text again.

    Example:
        >>> safe_cell("=1+1"), safe_cell("female"), safe_cell(-0.5)
        ("'=1+1", 'female', -0.5)
    """
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def true_cell(text: str) -> str:
    """Returns the text that ``safe_cell`` was given.

    Example:
        >>> true_cell("'=1+1"), true_cell("'s-Gravenhage")
        ('=1+1', "'s-Gravenhage")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def write_csv(path: Path, table: pd.DataFrame, *, mode: int = 0o644) -> None:
    """Writes ``csv_bytes`` of a table; the file is there whole or not at all.

    Args:
        path: the file.
        table: numbers and text.
        mode: the file's permissions, before the process's umask.
    """
    write_durably(path, csv_bytes(table), mode=mode)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Returns a table as a CSV file with a header and without its index.

    Every text cell, and every column's name, passes ``safe_cell``. Missing cells are blank; numbers are written in the
    fewest digits that read back as the same number.

    Args:
        table: numbers and text.
    """
    safe = pd.DataFrame(
        {position: _safe_column(table.iloc[:, position]) for position in range(table.shape[1])}, index=table.index
    )
    names = [str(safe_cell(str(name))) for name in table.columns]
    return safe.to_csv(index=False, header=names, lineterminator="\n").encode()


def _safe_column(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.rename_categories(safe_cell)
    if column.dtype.kind in "biuf":
        return column
    cells = column.to_numpy(dtype=object)
    suspect = np.isin(cells.astype("U1"), _FIRST)  # few cells of a long column: the others need no second look
    safe = cells.copy()
    safe[suspect] = [safe_cell(cell) for cell in cells[suspect]]
    return pd.Series(safe, index=column.index, dtype=object)
