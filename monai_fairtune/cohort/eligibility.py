"""Whether every subgroup is large enough for what a search says about it: one rule, for the check and the search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.subgroups import class_counts, reporting_minimum

__all__ = [
    "DEFAULT_MIN_PER_CLASS",
    "SmallSubgroup",
    "SubgroupCounts",
    "check_min_per_class",
    "count_subgroups",
    "refusal",
    "small_subgroups",
]

DEFAULT_MIN_PER_CLASS = 20
"""Fewest positives, and fewest negatives, of a subgroup that enters an objective."""

SubgroupCounts: TypeAlias = Mapping[str, Mapping[str, Mapping[str, tuple[int, int]]]]
"""Split, or fold, to attribute to subgroup to ``(n_negative, n_positive)``."""

_SPLITS = ("validation", "selection", "test")


@dataclass(frozen=True)
class SmallSubgroup:
    """A subgroup that holds too few images of a class in one split or fold."""

    split: str
    attribute: str
    subgroup: str
    n_negative: int
    n_positive: int

    def __str__(self) -> str:
        return (
            f"{self.attribute} {self.subgroup!r} in {self.split} holds {self.n_negative} negatives and "
            f"{self.n_positive} positives"
        )


def check_min_per_class(min_per_class: int) -> int:
    """Returns the limit.

    Raises:
        ConfigurationError: if it is below 1.
    """
    if min_per_class < 1:
        raise ConfigurationError(
            f"min_per_class is {min_per_class}. Give a whole number from 1: an AUROC needs both classes."
        )
    return min_per_class


def count_subgroups(cohort: Cohort, attributes: Iterable[str]) -> SubgroupCounts:
    """Counts the subgroups of some attributes in the splits that a search compares masks on and reports."""
    return {split: _count(cohort, cohort.indices(split), attributes) for split in _SPLITS}


def small_subgroups(counts: SubgroupCounts, min_per_class: int) -> tuple[SmallSubgroup, ...]:
    """Returns the subgroups with fewer images of a class than a search asks for.

    That is ``min_per_class`` where masks are compared: on validation, selection and folds. On test it is 10, or
    ``min_per_class`` if that is less.
    """
    return tuple(
        SmallSubgroup(split, attribute, name, *cell)
        for split, attributes in counts.items()
        for attribute, groups in attributes.items()
        for name, cell in groups.items()
        if min(cell) < (reporting_minimum(min_per_class) if split == "test" else min_per_class)
    )


def refusal(cohort: Cohort, attributes: Sequence[str], min_per_class: int, n_folds: int = 1) -> str | None:
    """Returns why a search for these attributes is refused: it names every subgroup that is too small; else None.

    Args:
        cohort: with its splits.
        attributes: declarations.
        min_per_class: from 1.
        n_folds: of k-fold validation, in each of which the subgroups must be large enough as well; 1 for none.
    """
    for name in attributes:
        found = cohort.subgroups[name].names
        if len(found) < 2:
            return (
                f"Attribute {name!r} has the one subgroup {list(found)}. "
                "Declare an attribute with two subgroups or more: there is nothing to compare otherwise."
            )
    counts = {**count_subgroups(cohort, attributes), **_count_folds(cohort, attributes, n_folds)}
    small = small_subgroups(counts, min_per_class)
    return _too_small(small, min_per_class) if small else None


def _count_folds(cohort: Cohort, attributes: Iterable[str], n_folds: int) -> SubgroupCounts:
    if n_folds == 1:
        return {}
    folds = cohort.folds(n_folds)
    return {f"fold {k + 1}": _count(cohort, np.flatnonzero(folds == k), attributes) for k in range(n_folds)}


def _count(
    cohort: Cohort, rows: NDArray[np.int64], attributes: Iterable[str]
) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    return {name: class_counts(cohort.subgroups[name].take(rows), cohort.labels[rows]) for name in attributes}


def _too_small(small: Sequence[SmallSubgroup], limit: int) -> str:
    smallest = min(min(cell.n_negative, cell.n_positive) for cell in small)
    override = (
        f", or lower min_per_class to {smallest} and accept that so small a subgroup mostly ranks noise"
        if smallest
        else "; no min_per_class admits a subgroup that lacks a class"
    )
    subject = "1 subgroup is" if len(small) == 1 else f"{len(small)} subgroups are"
    return (
        f"{subject} too small for min_per_class {limit} ({reporting_minimum(limit)} on test): "
        f"{'; '.join(map(str, small))}. "
        f"Merge subgroups, or redraw the splits with split_fractions that leave more to validation and test{override}."
    )
