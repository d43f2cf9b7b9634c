"""One section of a proposed mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["Proposed", "counted", "listed"]

_MOST_LISTED = 12


@dataclass(frozen=True)
class Proposed:
    """What one section of the mapping says, and why.

    Args:
        section: its key.
        value: as YAML takes it; None, or a None within, where the user has to decide.
        notes: comments above it: candidates and counts.
        said: a sentence for the console.
        question: what the user has to decide, or None.
    """

    section: str
    value: Any
    notes: tuple[str, ...]
    said: str
    question: str | None = None


def counted(cells: pd.Series[str]) -> str:
    """Returns the values and how often each occurs: ``'no' (80), 'yes' (40)``; a blank is ``''``."""
    counts = cells.value_counts().sort_index()
    return listed([f"{value!r} ({n})" for value, n in counts.items()])


def listed(texts: list[str]) -> str:
    """Joins the first 12 with commas, and says how many more there are."""
    more = f" and {len(texts) - _MOST_LISTED} more" if len(texts) > _MOST_LISTED else ""
    return ", ".join(texts[:_MOST_LISTED]) + more
