"""The cells of a column as text, each distinct one once."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["canonical", "distinct_cells"]


def distinct_cells(column: pd.Series) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Returns the distinct cells as stripped text, blank where missing, and each row's position among them.

    The last one is always blank; several may be equal once stripped. What is done to text is then done once a value,
    not once a row.

    Example:
        >>> text, rows = distinct_cells(pd.Series([" a", None, "b"]))
        >>> text[rows].tolist()
        ['a', '', 'b']
    """
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) != "string":
        # 1, 1.0 and True are one value to a hash table and three texts.
        column = column.map(lambda cell: str(cell).strip(), na_action="ignore")
    rows, values = pd.factorize(column)
    text = np.array([*(str(value).strip() for value in values), ""], dtype=object)
    return text, np.where(rows < 0, len(text) - 1, rows)


def canonical(text: str) -> str:
    """Writes whole numbers in one way: pandas turns 1 into 1.0 when a column has blanks.

    Example:
        >>> canonical("1.0"), canonical("-1.00"), canonical("1.50")
        ('1', '-1', '1.50')
    """
    return text.partition(".")[0] if re.fullmatch(r"-?\d+\.0+", text) else text
