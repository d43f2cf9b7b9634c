"""Merging subgroups that are too small to be compared: on request, by counts alone, and listed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.subgroups.assignment import MISSING, Subgroups
from monai_fairtune.subgroups.eligibility import class_counts

__all__ = ["Merge", "merge_alike", "merge_small"]

_INTERVAL = re.compile(r"^\[([^,]+),([^,)]+)\)$")


@dataclass(frozen=True)
class Merge:
    """Subgroups that became one.

    Args:
        into: the new subgroup's name.
        parts: the names of the subgroups it took the place of, in their order.
    """

    into: str
    parts: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {"into": self.into, "parts": list(self.parts)}


def merge_small(subgroups: Subgroups, labels: ArrayLike, min_per_class: int) -> tuple[Subgroups, tuple[Merge, ...]]:
    """Merges the subgroups with fewer than ``min_per_class`` positives or negatives, and says which.

    Only counts decide, never scores. Bins of a number (``age:40,60,75``) are ordered: the smallest is joined with the
    smaller of its neighbours until every bin is large enough. Other values have no neighbours: those that are too
    small become one subgroup ``other``. A single small value has nothing to merge with and stays as it is, and so does
    an attribute of which fewer than two subgroups would remain: its small subgroups are then undefined, with a reason.

    Args:
        subgroups: the subgroups of ``n`` samples.
        labels: shape ``(n,)``, 0 or 1.
        min_per_class: the fewest negatives and positives of a subgroup, at least 1.

    Returns:
        The subgroups after merging, under the same attribute, and every merge; images without a recorded value stay
        without one.

    Raises:
        ConfigurationError: if ``min_per_class`` is below 1.
        PredictionsError: if there is not one label a sample.

    Example:
        >>> age = Subgroups("age:40,60", ("[0,40)", "[40,60)", "[60,inf)"), [0, 1, 1, 1, 1, 2, 2])
        >>> merged, merges = merge_small(age, [0, 0, 1, 0, 1, 0, 1], min_per_class=1)
        >>> merged.counts(), merges
        ({'[0,60)': 5, '[60,inf)': 2}, (Merge(into='[0,60)', parts=('[0,40)', '[40,60)')),))
    """
    if min_per_class < 1:
        raise ConfigurationError(f"min_per_class is {min_per_class}. Give at least 1: an AUROC needs both classes.")
    cells = list(class_counts(subgroups, labels).values())
    is_ordered = ":" in subgroups.attribute and "*" not in subgroups.attribute
    blocks = _joined_bins(cells, min_per_class) if is_ordered else _pooled_values(cells, min_per_class)
    if len(blocks) < 2 or len(blocks) == len(cells):
        return subgroups, ()
    return _apply(subgroups, blocks, is_ordered=is_ordered)


def merge_alike(subgroups: Subgroups, merged: Subgroups, merges: Sequence[Merge]) -> Subgroups:
    """Returns other samples' subgroups after the merges that were made of some.

    Args:
        subgroups: of any samples, before merging.
        merged: what ``merge_small`` returned for some.
        merges: what it said of it.

    Example:
        >>> some = Subgroups("scanner", ("A", "B", "C"), [0, 0, 1, 2])
        >>> merged, merges = merge_small(some, [0, 1, 0, 1], min_per_class=1)
        >>> merge_alike(Subgroups("scanner", ("A", "B", "C"), [2, -1, 0]), merged, merges).codes.tolist()
        [1, -1, 0]
    """
    into = {part: merge.into for merge in merges for part in merge.parts}
    position = {name: code for code, name in enumerate(merged.names)}
    codes = np.array([*(position[into.get(name, name)] for name in subgroups.names), MISSING])
    return Subgroups(subgroups.attribute, merged.names, codes[subgroups.codes])


def _joined_bins(cells: Sequence[tuple[int, int]], minimum: int) -> list[list[int]]:
    """Returns neighbouring bins in blocks, each with enough of both classes, or a single block."""
    blocks = [[position] for position in range(len(cells))]
    sums = list(cells)
    while len(blocks) > 1 and min(map(min, sums)) < minimum:
        small = min(range(len(sums)), key=lambda position: min(sums[position]))
        neighbours = [position for position in (small - 1, small + 1) if 0 <= position < len(sums)]
        low, high = sorted((small, min(neighbours, key=lambda position: min(sums[position]))))
        blocks[low : high + 1] = [blocks[low] + blocks[high]]
        sums[low : high + 1] = [(sums[low][0] + sums[high][0], sums[low][1] + sums[high][1])]
    return blocks


def _pooled_values(cells: Sequence[tuple[int, int]], minimum: int) -> list[list[int]]:
    """Returns the large values one by one, then the small ones together."""
    small = [position for position, cell in enumerate(cells) if min(cell) < minimum]
    return [[position] for position in range(len(cells)) if position not in small] + ([small] if small else [])


def _apply(subgroups: Subgroups, blocks: list[list[int]], *, is_ordered: bool) -> tuple[Subgroups, tuple[Merge, ...]]:
    taken = {subgroups.names[block[0]] for block in blocks if len(block) == 1}
    names, merges = [], []
    codes = np.full(len(subgroups.names) + 1, MISSING)  # the last one is what -1 points at
    for code, block in enumerate(blocks):
        parts = tuple(subgroups.names[position] for position in block)
        name = parts[0] if len(parts) == 1 else _name(parts, taken, is_ordered=is_ordered)
        names.append(name)
        codes[block] = code
        if len(parts) > 1:
            merges.append(Merge(name, parts))
    return Subgroups(subgroups.attribute, tuple(names), codes[subgroups.codes]), tuple(merges)


def _name(parts: tuple[str, ...], taken: set[str], *, is_ordered: bool) -> str:
    if not is_ordered:
        return "other" if "other" not in taken else "other (merged)"
    first, last = _INTERVAL.match(parts[0]), _INTERVAL.match(parts[-1])
    return f"[{first[1]},{last[2]})" if first and last else " or ".join(parts)
