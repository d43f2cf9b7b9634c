"""Sensitive attributes as users declare them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.exceptions import AttributeDeclarationError
from monai_fairtune.subgroups.assignment import MISSING, Subgroups
from monai_fairtune.subgroups.cells import canonical, distinct_cells

__all__ = ["SensitiveAttribute"]

_MOST_VALUES = 20
_READS_LIKE_MISSING = frozenset({"nan", "na", "n/a", "null", "none", "nat", "<na>"})
_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"^({_NUMBER})(?:-({_NUMBER}))?$")


@dataclass(frozen=True)
class _Column:
    """One column and its binning: values as they are, cut points, or closed ranges."""

    name: str
    cuts: tuple[float, ...] = ()
    ranges: tuple[tuple[str, float, float], ...] = ()

    def assign(self, table: pd.DataFrame) -> Subgroups:
        if self.name not in table.columns:
            raise AttributeDeclarationError(
                f"The table has no column {self.name!r}; its columns are {sorted(map(str, table.columns))}. "
                "Declare an attribute by the name of its column."
            )
        text, rows = distinct_cells(table[self.name])
        if not (text != "").any():
            raise AttributeDeclarationError(
                f"Column {self.name!r} is blank in all {len(rows)} rows. Declare an attribute that is recorded."
            )
        return self._assign_numbers(text, rows) if self.cuts or self.ranges else self._assign_values(text, rows)

    def _assign_values(self, text: NDArray[np.object_], rows: NDArray[np.int64]) -> Subgroups:
        suspects = sorted({value for value in text if value.lower() in _READS_LIKE_MISSING})
        if suspects:
            raise AttributeDeclarationError(
                f"Column {self.name!r} holds {suspects}, which reads like a missing value but is not blank. "
                "Leave these cells blank if the value is missing, or spell the subgroup's name out."
            )
        values = [canonical(value) for value in text]
        names = sorted(set(values) - {""}, key=_natural_order)
        if len({name.lower() for name in names}) != len(names):
            raise AttributeDeclarationError(
                f"Column {self.name!r} spells one value in several ways: {names[:_MOST_VALUES]}. "
                "Write each value in one way."
            )
        if len(names) > _MOST_VALUES:
            raise AttributeDeclarationError(
                f"Column {self.name!r} holds {len(names)} different values, such as {names[:5]}. "
                f"Declare cut points ({self.name}:60) or ranges ({self.name}:1-2,3-6)."
            )
        position = {name: code for code, name in enumerate(names)} | {"": MISSING}
        return Subgroups(self.name, tuple(names), np.array([position[value] for value in values])[rows])

    def _assign_numbers(self, text: NDArray[np.object_], rows: NDArray[np.int64]) -> Subgroups:
        given = text != ""
        numbers = pd.to_numeric(pd.Series(text).where(given), errors="coerce").to_numpy(dtype=np.float64)
        bad = sorted(set(text[given & ~np.isfinite(numbers)]))
        if bad:
            raise AttributeDeclarationError(
                f"Column {self.name!r} holds {bad[:5]} where {self.declaration!r} needs numbers. "
                "Write numbers, and leave the cell blank where the value is missing."
            )
        names, codes = self._cut(numbers) if self.cuts else self._range(numbers)
        outside = sorted({float(value) for value in numbers[given & (codes == MISSING)]})
        if outside:
            raise AttributeDeclarationError(
                f"Column {self.name!r} holds {outside[:5]}, outside what {self.declaration!r} covers. "
                "Declare bins that cover every value, or leave these cells blank."
            )
        return Subgroups(self.declaration, names, codes[rows])

    def _cut(self, numbers: NDArray[np.float64]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        edges = (0.0, *self.cuts, math.inf)
        names = tuple(f"[{_short(low)},{_short(high)})" for low, high in pairwise(edges))
        codes = np.searchsorted(self.cuts, numbers, side="right")
        return names, np.where(np.isfinite(numbers) & (numbers >= 0), codes, MISSING)

    def _range(self, numbers: NDArray[np.float64]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        codes = np.full(len(numbers), MISSING)
        for code, (_, low, high) in enumerate(self.ranges):
            codes[(numbers >= low) & (numbers <= high)] = code
        return tuple(name for name, _, _ in self.ranges), codes

    @property
    def declaration(self) -> str:
        bins = [_short(cut) for cut in self.cuts] or [name for name, _, _ in self.ranges]
        return f"{self.name}:{','.join(bins)}" if bins else self.name


@dataclass(frozen=True)
class SensitiveAttribute:
    """A recorded property of patients, and how its values form subgroups.

    ========================  =======================================================
    declaration               subgroups
    ========================  =======================================================
    ``sex``                   the values of the column, as they are
    ``age:60``                ``[0,60)`` and ``[60,inf)``: a value on the cut is above
    ``age:40,60,75``          four bins, each closed below and open above
    ``skin_type:1-2,3-6``     closed ranges; a single number is a range of its own
    ``sex*age:60``            every pair, such as ``female & [60,inf)``
    ========================  =======================================================

    Blank cells are missing: they belong to no subgroup, and an intersection is missing where one of its parts is.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"sex": ["f", "m", ""], "age": ["60", "59.5", "70"]})
        >>> SensitiveAttribute.parse("sex*age:60").assign(table).counts()
        {'f & [0,60)': 0, 'f & [60,inf)': 1, 'm & [0,60)': 1, 'm & [60,inf)': 0}
    """

    columns: tuple[_Column, ...]

    @classmethod
    def parse(cls, declaration: str) -> SensitiveAttribute:
        """Reads a declaration.

        Args:
            declaration: as in the table above; blanks around separators are ignored.

        Returns:
            The attribute it declares.

        Raises:
            AttributeDeclarationError: if it cannot be read, or its bins overlap or do not increase.
        """
        parts = tuple(_parse_column(part, declaration) for part in str(declaration).split("*"))
        names = [part.name for part in parts]
        if len(set(names)) != len(names):
            raise AttributeDeclarationError(
                f"Attribute {declaration!r} crosses a column with itself. Name each column once."
            )
        return cls(parts)

    @classmethod
    def parse_all(cls, declarations: str | Iterable[str]) -> tuple[SensitiveAttribute, ...]:
        """Reads one declaration or several, and refuses repeats.

        Raises:
            AttributeDeclarationError: if there is none, or one is given twice.
        """
        texts = [declarations] if isinstance(declarations, str) else list(declarations)
        attributes = tuple(cls.parse(text) for text in texts)
        names = [attribute.declaration for attribute in attributes]
        if not names or len(set(names)) != len(names):
            raise AttributeDeclarationError(
                f"The sensitive attributes are {names}. Name at least one, and each once, such as 'sex' or 'age:60'."
            )
        return attributes

    @property
    def declaration(self) -> str:
        """The declaration in its shortest form; the attribute's name everywhere."""
        return "*".join(column.declaration for column in self.columns)

    def assign(self, table: pd.DataFrame) -> Subgroups:
        """Returns the subgroup of every row.

        Assign once for a whole cohort and ``take`` the splits: then every split has the same subgroups.

        Args:
            table: one row a sample, holding the attribute's columns as text or numbers; blank or NaN is missing.

        Raises:
            AttributeDeclarationError: if a column is absent, blank throughout, or holds values that the declaration
                does not cover.
        """
        parts = [column.assign(table) for column in self.columns]
        if len(parts) == 1:
            return Subgroups(self.declaration, parts[0].names, parts[0].codes)
        return Subgroups.cross(self.declaration, parts)


def _parse_column(part: str, declaration: str) -> _Column:
    name, colon, bins = (piece.strip() for piece in part.partition(":"))
    texts = [text.strip() for text in bins.split(",")] if colon else []
    matches = [_RANGE.match(text) for text in texts]
    if not name or any(match is None for match in matches):
        raise AttributeDeclarationError(
            f"Attribute {declaration!r} cannot be read. Declare it as 'sex', 'age:60', 'age:40,60,75', "
            "'skin_type:1-2,3-6' or an intersection 'sex*age:60'."
        )
    if not any(match and match[2] for match in matches):
        cuts = tuple(float(text) for text in texts)
        if list(cuts) != sorted(set(cuts)) or any(cut <= 0 for cut in cuts):
            raise AttributeDeclarationError(
                f"The cut points of {declaration!r} are {texts}. Give positive numbers that increase."
            )
        return _Column(name, cuts=cuts)
    bounds = [(float(match[1]), float(match[2] or match[1])) for match in matches if match]
    flat = [bound for pair in bounds for bound in pair]
    if flat != sorted(flat) or any(a[1] >= b[0] for a, b in pairwise(bounds)):
        raise AttributeDeclarationError(
            f"The ranges of {declaration!r} are {texts}. Give ranges that increase and do not overlap."
        )
    return _Column(name, ranges=tuple((text, *pair) for text, pair in zip(texts, bounds, strict=True)))


def _natural_order(name: str) -> tuple[int, float, str]:
    return (0, float(name), name) if re.fullmatch(_NUMBER, name) else (1, 0.0, name)


def _short(number: float) -> str:
    """Writes a number in the fewest digits that read back as the same number, and never with an exponent."""
    return "inf" if math.isinf(number) else np.format_float_positional(number, trim="-")
