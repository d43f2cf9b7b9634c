"""Choosing rows of a manifest, as ``where="plane=axial,site=A|B"`` asks."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError, ManifestError
from monai_fairtune.subgroups import canonical

__all__ = ["Condition", "keep_rows", "matching_rows", "parse_where"]

_PART = re.compile(r"^\s*(.*?)\s*(>=|=)(.*)$")
_DATE = re.compile(r"^\d{4}(-\d\d(-\d\d([ T].*)?)?)?$")


@dataclass(frozen=True)
class Condition:
    """What a cell must be.

    Args:
        column: the column's name.
        values: the cells that are allowed; where ``ordered``, the smallest one that is.
        ordered: whether cells are compared by order.
    """

    column: str
    values: tuple[str, ...]
    ordered: bool = False


def parse_where(where: str) -> tuple[Condition, ...]:
    """Reads a filter: conditions separated by commas, values of one column separated by ``|``.

    Raises:
        ConfigurationError: if a condition is neither ``column=value`` nor ``column>=value``, or a column is named
            twice.

    Example:
        >>> for condition in parse_where("plane=axial, site=A|B, year>=2019"):
        ...     print(condition.column, condition.values, condition.ordered)
        plane ('axial',) False
        site ('A', 'B') False
        year ('2019',) True
    """
    conditions: dict[str, Condition] = {}
    for part in where.split(","):
        match = _PART.match(part)
        column, sign, values = match.groups() if match else ("", "", "")
        allowed = tuple(value.strip() for value in values.split("|"))
        ordered = sign == ">="
        if not column or "" in allowed or column in conditions or (ordered and len(allowed) > 1):
            raise ConfigurationError(
                f"The filter {where!r} cannot be read at {part.strip()!r}. Write 'column=value', "
                "'column=value1|value2', 'column>=value' for numbers and dates, or several with commas, each column "
                "once."
            )
        conditions[column] = Condition(column, allowed, ordered)
    return tuple(conditions.values())


def keep_rows(table: pd.DataFrame, where: str | None) -> pd.DataFrame:
    """Returns the rows that meet every condition of ``where``, numbered afresh; all rows for ``None``.

    Raises:
        ConfigurationError: as ``matching_rows``.
        ManifestError: as ``matching_rows``.
    """
    return table if where is None else table[matching_rows(table, where)].reset_index(drop=True)


def matching_rows(table: pd.DataFrame, where: str) -> NDArray[np.bool_]:
    """Returns which rows meet every condition: shape ``(n,)``.

    Raises:
        ConfigurationError: if the filter cannot be read.
        ManifestError: if a column or a value does not occur, cells have no order, or no row is left.
    """
    kept = np.ones(len(table), dtype=np.bool_)
    for condition in parse_where(where):
        if condition.column not in table.columns:
            raise ManifestError(
                f"The filter names the column {condition.column!r}; the manifest's columns are {list(table.columns)}. "
                "Filter by one of them."
            )
        kept &= (_from if condition.ordered else _among)(table[condition.column], condition)
    if not kept.any():
        raise ManifestError(f"No row of the manifest meets {where!r}. Ask for fewer conditions at once.")
    return kept


def _among(column: pd.Series[str], condition: Condition) -> NDArray[np.bool_]:
    cells = column.map(canonical)
    wanted = [canonical(value) for value in condition.values]
    absent = sorted(set(wanted) - set(cells))
    if absent:
        raise ManifestError(
            f"Column {condition.column!r} never holds {absent}; it holds {sorted(set(cells))[:10]}. "
            "Filter by values that occur."
        )
    return cells.isin(wanted).to_numpy(dtype=np.bool_)


def _from(column: pd.Series[str], condition: Condition) -> NDArray[np.bool_]:
    """Compares numbers as numbers and ISO dates as text; blank cells meet nothing."""
    (least,) = condition.values
    filled = (column != "").to_numpy()
    numbers = pd.to_numeric(column.where(filled), errors="coerce").to_numpy(dtype=np.float64)
    bound = pd.to_numeric(pd.Series([least]), errors="coerce").iloc[0]
    if np.isfinite(bound) and np.isfinite(numbers[filled]).all():
        return np.asarray(numbers >= bound)
    odd = sorted({cell for cell in (*column[filled], least) if not _DATE.match(cell)})
    if odd:
        raise ManifestError(
            f"{condition.column}>={least} needs numbers throughout, or dates such as 2019-05-31; found {odd[:5]}. "
            "Write the column so, or list the values that are meant with '='."
        )
    return filled & (column >= least).to_numpy(dtype=np.bool_)
