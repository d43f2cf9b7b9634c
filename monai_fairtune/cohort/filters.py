"""Keeping some rows of a manifest, as ``where="plane=axial,site=A|B"`` asks."""

from __future__ import annotations

import re

import pandas as pd

from monai_fairtune.exceptions import ConfigurationError, ManifestError

__all__ = ["keep_rows", "parse_where"]

_WHOLE_FLOAT = re.compile(r"^-?\d+\.0+$")


def parse_where(where: str) -> dict[str, tuple[str, ...]]:
    """Reads a filter: conditions separated by commas, values of one column separated by ``|``.

    Raises:
        ConfigurationError: if a condition is not ``column=value``, or a column is named twice.

    Example:
        >>> parse_where("plane=axial, site=A|B")
        {'plane': ('axial',), 'site': ('A', 'B')}
    """
    conditions: dict[str, tuple[str, ...]] = {}
    for part in where.split(","):
        column, equals, values = (piece.strip() for piece in part.partition("="))
        allowed = tuple(value.strip() for value in values.split("|"))
        if not column or not equals or "" in allowed or column in conditions:
            raise ConfigurationError(
                f"The filter {where!r} cannot be read at {part.strip()!r}. "
                "Write 'column=value', 'column=value1|value2', or several with commas, each column once."
            )
        conditions[column] = allowed
    return conditions


def keep_rows(table: pd.DataFrame, where: str | None) -> pd.DataFrame:
    """Returns the rows that meet every condition of ``where``, numbered afresh; all rows for ``None``.

    Raises:
        ConfigurationError: if the filter cannot be read.
        ManifestError: if a column or a value does not occur, or no row is left.
    """
    if where is None:
        return table
    kept = pd.Series(data=True, index=table.index)
    for column, allowed in parse_where(where).items():
        if column not in table.columns:
            raise ManifestError(
                f"The filter names the column {column!r}; the manifest's columns are {list(table.columns)}. "
                "Filter by one of them."
            )
        cells = table[column].map(_canonical)
        wanted = [_canonical(value) for value in allowed]
        absent = sorted(set(wanted) - set(cells))
        if absent:
            raise ManifestError(
                f"Column {column!r} never holds {absent}; it holds {sorted(set(cells))[:10]}. "
                "Filter by values that occur."
            )
        kept &= cells.isin(wanted)
    if not kept.any():
        raise ManifestError(f"No row of the manifest meets {where!r}. Ask for fewer conditions at once.")
    return table[kept].reset_index(drop=True)


def _canonical(text: str) -> str:
    """Writes whole numbers in one way: a table saved by pandas has 1.0 where its author typed 1."""
    return text.partition(".")[0] if _WHOLE_FLOAT.match(text) else text
