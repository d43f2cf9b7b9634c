"""Whether every subgroup is large enough for what a study says about it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from monai_fairtune.bundle.options import whole
from monai_fairtune.cohort import Cohort
from monai_fairtune.cohort.eligibility import (
    DEFAULT_MIN_PER_CLASS,
    SubgroupCounts,
    check_min_per_class,
    count_subgroups,
    refusal,
)
from monai_fairtune.exceptions import ConfigurationError, EligibilityError, UndefinedMetricError
from monai_fairtune.predictions import printable
from monai_fairtune.subgroups import minimum_detectable_gap, require_eligible

__all__ = ["check_eligibility", "check_key_metric"]

_OVERALL = "auroc"
_BY_SUBGROUP = ("worst_group_auroc", "auroc_gap", "largest_subgroup_loss")


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
    limit = check_min_per_class(whole("min_per_class", min_per_class))
    refused = refusal(cohort, tuple(cohort.subgroups), limit, whole("n_folds", n_folds))
    if refused is not None:
        raise EligibilityError(refused)
    counts = count_subgroups(cohort, cohort.subgroups)
    sys.stdout.write("\n".join(_design(counts)) + "\n")
    return {
        "min_per_class": limit,
        "default": DEFAULT_MIN_PER_CLASS,
        "lowered": limit < DEFAULT_MIN_PER_CLASS,
        "cells": {
            split: {name: {group: list(pair) for group, pair in groups.items()} for name, groups in attributes.items()}
            for split, attributes in counts.items()
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


def _design(counts: SubgroupCounts) -> list[str]:
    """Returns the counts as lines, and for each attribute the smallest gap that the test split would probably show."""
    lines = ["positives + negatives".ljust(32) + "".join(split.rjust(14) for split in counts)]
    for attribute, groups in counts["test"].items():
        lines += [
            printable(f"{attribute} {group}").ljust(32)
            + "".join(_cell_text(attributes[attribute][group]) for attributes in counts.values())
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
