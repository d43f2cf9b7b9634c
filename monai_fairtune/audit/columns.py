"""From names of columns, or arrays, to columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.subgroups import SensitiveAttribute, distinct_cells

__all__ = ["Attributes", "attribute_columns", "blank", "column_of", "is_names"]

Attributes: TypeAlias = (
    str | list[str] | tuple[str, ...] | Mapping[str, ArrayLike] | pd.Series | pd.DataFrame | NDArray[np.generic]
)
"""Declarations, or declaration to values, or fairlearn's ``sensitive_features``."""


def is_names(given: object) -> bool:
    """Returns whether this is a list of text, as names of columns are."""
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(name, str) for name in given)


def column_of(table: pd.DataFrame | None, given: object, what: str) -> pd.Series:
    """Returns a column, its rows counted from 0.

    Args:
        table: where to look up a name.
        given: a column's name, or a vector.
        what: names it in messages.

    Raises:
        PredictionsError: if the table has no such column, or this is no vector.
        ConfigurationError: if a name was given and no table.
    """
    if isinstance(given, str):
        if table is None:
            raise ConfigurationError(
                f"The {what} is {given!r}, a column's name, and there is no table. Give the table, or an array."
            )
        if given not in table.columns:
            raise PredictionsError(
                f"The table has no column {given!r} for the {what}; its columns are "
                f"{list(map(str, table.columns))[:30]}. Name a column as the table does."
            )
        if (n_columns := list(table.columns).count(given)) > 1:
            raise PredictionsError(f"The table has {n_columns} columns {given!r}. Give each column its own name.")
        given = table[given]
    column = given if isinstance(given, pd.Series) else _vector(given, what)
    return column.reset_index(drop=True)


def _vector(given: object, what: str) -> pd.Series:
    array = np.asarray(given)
    if array.ndim != 1:
        raise PredictionsError(f"The {what} has shape {array.shape}. Give a vector with one value an image.")
    return pd.Series(array)


def blank(column: pd.Series) -> NDArray[np.bool_]:
    """Returns which cells are missing or hold no text: shape ``(n,)``, bool."""
    if column.dtype.kind in "biuf":
        return np.asarray(column.isna())
    text, rows = distinct_cells(column)
    return np.asarray((text == "")[rows])


def attribute_columns(
    table: pd.DataFrame | None, attributes: Attributes
) -> tuple[pd.DataFrame, tuple[SensitiveAttribute, ...]]:
    """Returns the columns that attributes are read from, and the attributes.

    Args:
        table: holds the columns that declarations name.
        attributes: declarations; or, with or without a table, declaration to values, a Series or a DataFrame whose
            names are declarations, or a vector of values without a name.

    Raises:
        AttributeDeclarationError: if a declaration cannot be read.
        ConfigurationError: if an intersection is declared without a table that holds its columns.

    Example:
        >>> columns, attributes = attribute_columns(None, {"sex": ["f", "m"], "age:60": [20, 70]})
        >>> list(columns), [attribute.declaration for attribute in attributes]
        (['sex', 'age'], ['sex', 'age:60'])
    """
    if table is not None and (isinstance(attributes, str) or is_names(attributes)):
        return table, SensitiveAttribute.parse_all(attributes)  # type: ignore[arg-type]
    if isinstance(attributes, pd.DataFrame):
        values: dict[str, object] = {str(name): attributes[name] for name in attributes.columns}
    elif isinstance(attributes, Mapping):
        values = {str(name): column for name, column in attributes.items()}
    else:
        name = getattr(attributes, "name", None)
        values = {"sensitive_feature_0" if name is None else str(name): attributes}
    declared = SensitiveAttribute.parse_all(values)
    crossed = [attribute.declaration for attribute in declared if len(attribute.columns) > 1]
    if crossed:
        raise ConfigurationError(
            f"The intersection {crossed[0]!r} was given as values. Give a table with its columns, and the declarations."
        )
    columns = {
        attribute.columns[0].name: column_of(None, column, f"attribute {attribute.declaration!r}")
        for attribute, column in zip(declared, values.values(), strict=True)
    }
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise PredictionsError(f"The attributes have different lengths: {sizes}. Give one value an image.")
    return pd.DataFrame(columns), declared
