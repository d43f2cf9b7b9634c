"""Whether every subgroup is large enough for what a study says about it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from monai_fairtune.bundle.options import whole
from monai_fairtune.cohort import Cohort
from monai_fairtune.exceptions import ConfigurationError, EligibilityError, UndefinedMetricError
from monai_fairtune.predictions import printable
from monai_fairtune.subgroups import class_counts, minimum_detectable_gap, reporting_minimum, require_eligible

__all__ = ["DEFAULT_MIN_PER_CLASS", "check_eligibility", "check_key_metric"]

DEFAULT_MIN_PER_CLASS = 20
"""Fewest positives, and fewest negatives, of a subgroup that enters an objective."""

_SPLITS = ("validation", "selection", "test")
_OVERALL = "auroc"
_BY_SUBGROUP = ("worst_group_auroc", "auroc_gap", "largest_subgroup_loss")
_Cells: TypeAlias = dict[str, dict[str, dict[str, tuple[int, int]]]]


def check_eligibility(
    cohort: Cohort, min_per_class: object = DEFAULT_MIN_PER_CLASS, n_folds: object = 1
) -> dict[str, Any]:
    """Refuses a cohort in which a subgroup is too small to be optimised for, or reported.

    On validation and selection, which the search compares masks by, every subgroup of every attribute needs
    ``min_per_class`` positives and as many negatives; on test, 10 of each, or fewer if ``min_per_class`` is. With
    k-fold validation, each fold needs what validation needs.

    Where all are large enough, it says how large they are, and what gap the test split could show at all.

    Args:
        cohort: with its splits.
        min_per_class: a whole number from 1.
        n_folds: of k-fold validation; 1 for none.

    Returns:
        The limit, whether it was lowered, and the counts by split, attribute and subgroup, as ``[n_negative,
        n_positive]``: plain JSON for the result.

    Raises:
        EligibilityError: naming every subgroup that is too small, in every split.
        ConfigurationError: if an option is no whole number from 1.
    """
    limit = whole("min_per_class", min_per_class)
    if limit < 1:
        raise ConfigurationError(f"min_per_class is {limit}. Give a whole number from 1: an AUROC needs both classes.")
    _require_comparison(cohort)
    cells = _count(cohort)
    short = [
        cell for cell in _flatten({**cells, **_count_folds(cohort, whole("n_folds", n_folds))}, limit) if cell.is_short
    ]
    if short:
        raise EligibilityError(_refusal(short, limit))
    sys.stdout.write("\n".join(_design(cells)) + "\n")
    return {
        "min_per_class": limit,
        "default": DEFAULT_MIN_PER_CLASS,
        "lowered": limit < DEFAULT_MIN_PER_CLASS,
        "cells": {
            split: {name: {group: list(pair) for group, pair in groups.items()} for name, groups in attributes.items()}
            for split, attributes in cells.items()
        },
    }


def check_key_metric(cohort: Cohort, key_metric: object) -> str:
    """Returns the metric that the best epoch of a training is chosen by, once it is known to be defined.

    Raises:
        ConfigurationError: if there is no such metric.
        EligibilityError: if it looks at subgroups, and one of them lacks a class on validation.
    """
    if key_metric not in (_OVERALL, *_BY_SUBGROUP):
        raise ConfigurationError(f"key_metric is {key_metric!r}. Choose one of {', '.join((_OVERALL, *_BY_SUBGROUP))}.")
    if key_metric in _BY_SUBGROUP:
        rows = cohort.indices("validation")
        for group in cohort.subgroups.values():
            require_eligible(group.take(rows), cohort.labels[rows], split="validation", min_per_class=1)
    return str(key_metric)


@dataclass(frozen=True)
class _Cell:
    where: str
    counts: tuple[int, int]
    limit: int

    @property
    def is_short(self) -> bool:
        return min(self.counts) < self.limit

    def __str__(self) -> str:
        return f"{self.where} holds {self.counts[0]} negatives and {self.counts[1]} positives"


def _require_comparison(cohort: Cohort) -> None:
    single = [name for name, group in cohort.subgroups.items() if len(group.names) < 2]
    if single:
        raise EligibilityError(
            f"Attribute {single[0]!r} has the one subgroup {list(cohort.subgroups[single[0]].names)}. "
            "Declare an attribute with two subgroups or more: there is nothing to compare otherwise."
        )


def _count(cohort: Cohort) -> _Cells:
    cells: _Cells = {}
    for split in _SPLITS:
        rows = cohort.indices(split)
        cells[split] = {
            name: class_counts(group.take(rows), cohort.labels[rows]) for name, group in cohort.subgroups.items()
        }
    return cells


def _count_folds(cohort: Cohort, n_folds: int) -> _Cells:
    if n_folds == 1:
        return {}
    folds = cohort.folds(n_folds)
    return {
        f"fold {fold + 1}": {
            name: class_counts(group.take(np.flatnonzero(folds == fold)), cohort.labels[folds == fold])
            for name, group in cohort.subgroups.items()
        }
        for fold in range(n_folds)
    }


def _design(cells: _Cells) -> list[str]:
    """Returns the counts as lines, and for each attribute the smallest gap that the test split would probably show."""
    lines = ["positives + negatives".ljust(32) + "".join(split.rjust(14) for split in _SPLITS)]
    for attribute, groups in cells["test"].items():
        lines += [
            printable(f"{attribute} {group}").ljust(32)
            + "".join(_cell_text(cells[split][attribute][group]) for split in _SPLITS)
            for group in groups
        ]
        lines.append(printable(f"{attribute}: {_gap_text(groups)}"))
    return lines


def _gap_text(groups: Mapping[str, tuple[int, int]]) -> str:
    try:
        return f"the test split would probably show an AUROC gap of {minimum_detectable_gap(groups):.3f} or more"
    except UndefinedMetricError as error:
        return f"on the test split: {error}"


def _cell_text(counts: tuple[int, int]) -> str:
    return f"{counts[1]} + {counts[0]}".rjust(14)


def _flatten(cells: _Cells, limit: int) -> list[_Cell]:
    return [
        _Cell(f"{name} {group!r} in {split}", counts, limit if split != "test" else reporting_minimum(limit))
        for split, attributes in cells.items()
        for name, groups in attributes.items()
        for group, counts in groups.items()
    ]


def _refusal(short: list[_Cell], limit: int) -> str:
    smallest = min(min(cell.counts) for cell in short)
    override = (
        f", or pass --min_per_class {smallest} and accept that so small a subgroup mostly ranks noise"
        if smallest
        else "; no min_per_class admits a subgroup that lacks a class"
    )
    subject = "1 subgroup is" if len(short) == 1 else f"{len(short)} subgroups are"
    return (
        f"{subject} too small for min_per_class {limit} ({reporting_minimum(limit)} on test): "
        f"{'; '.join(map(str, short))}. "
        f"Merge subgroups, or redraw the splits with split_fractions such as [0.5,0.3,0.2]{override}."
    )
