"""Values that are read without an error and cannot be true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from monai_fairtune.cohort.ages import OLDEST
from monai_fairtune.cohort.quality.recorded import columns_of

__all__ = ["find_implausible_ages", "implausible_cautions"]


def find_implausible_ages(table: pd.DataFrame, declarations: Iterable[str]) -> list[str]:
    """Returns the columns of declared attributes that hold ages, and one at least that nobody reaches.

    Args:
        table: the rows of a manifest, all text.
        declarations: of the attributes; a column holds ages if ``age`` is its name, in any case.

    Example:
        >>> find_implausible_ages(pd.DataFrame({"age": ["60", "999", ""]}), ["sex", "age:60"])
        ['age']
    """
    columns = sorted({name for declared in declarations for name in columns_of(declared) if name.casefold() == "age"})
    return [name for name in columns if (pd.to_numeric(table[name], errors="coerce") > OLDEST).any()]


def implausible_cautions(columns: Iterable[str]) -> Iterator[str]:
    """Yields a caution for each of the columns, without the values: a card may not tell them."""
    for name in columns:
        yield (
            f"Column {name!r} holds ages above {OLDEST} years, which count in the oldest subgroup. Correct them, or "
            "leave these cells blank."
        )
