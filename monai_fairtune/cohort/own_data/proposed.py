"""One section of a proposed mapping."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.words import reads_like

__all__ = ["Difference", "Proposed", "counted", "is_recorded", "listed", "named_columns"]

_MOST_LISTED = 12
_FEW = 0.05


@dataclass(frozen=True)
class Proposed:
    """What one section of the mapping says, and why.

    Args:
        section: its key.
        value: as YAML takes it; None, or a None within, where the user has to decide.
        notes: comments above it: candidates and counts.
        said: a sentence for the console.
        question: what the user has to decide, or None.
        counts: sentences behind ``said`` that are true only where rows have found their images.
    """

    section: str
    value: Any
    notes: tuple[str, ...]
    said: str
    question: str | None = None
    counts: str = ""


@dataclass(frozen=True)
class Difference:
    """How often two sources contradict each other.

    Args:
        between: both, as in ``a and b``.
        how: they differ: blank, or words with a blank behind them.
        n: of images in which they do.
        n_both: of images of which both tell something.
    """

    between: str
    how: str
    n: int
    n_both: int

    @property
    def is_frequent(self) -> bool:
        """More than a few typing errors would explain."""
        return self.n > _FEW * self.n_both

    def __str__(self) -> str:
        """Says it in a sentence."""
        return f"{self.between} differ {self.how}in {self.n} of the {self.n_both} images that have both."


def counted(cells: pd.Series[str]) -> str:
    """Returns the values and how often each occurs: ``'no' (80), 'yes' (40)``; a blank is ``''``."""
    counts = cells.value_counts().sort_index()
    return listed([f"{value!r} ({n})" for value, n in counts.items()])


def listed(texts: list[str]) -> str:
    """Joins the first 12 with commas, and says how many more there are."""
    more = f" and {len(texts) - _MOST_LISTED} more" if len(texts) > _MOST_LISTED else ""
    return ", ".join(texts[:_MOST_LISTED]) + more


def named_columns(frame: pd.DataFrame, words: Collection[str] | None = None) -> list[Source]:
    """Returns the table's columns whose name reads like one of ``words``, those that are blank left out.

    Args:
        frame: columns named as ``Source`` says.
        words: see ``reads_like``; None for all columns.
    """
    names = [name.removeprefix("column ") for name in frame.columns if name.startswith("column ")]
    sources = [Source("column", name) for name in names if words is None or reads_like(name, words)]
    return [source for source in sources if is_recorded(frame, source)]


def is_recorded(frame: pd.DataFrame, source: Source) -> bool:
    """Returns whether there is such a thing, and anything in it."""
    return str(source) in frame.columns and bool((frame[str(source)] != "").any())
