"""Folds: the train and validation splits together, dealt anew by patient, to validate on one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.counts import count_cohort
from monai_fairtune.cohort.stratification import deal_patients
from monai_fairtune.exceptions import ConfigurationError, SplitError
from monai_fairtune.subgroups import Subgroups

__all__ = ["assign_folds", "count_folds", "deal_folds"]

_FOLDED = ("train", "validation")


def assign_folds(
    splits: NDArray[np.str_],
    patient_ids: NDArray[np.str_],
    labels: NDArray[np.int64],
    subgroups: Mapping[str, Subgroups],
    n_folds: int,
    *,
    seed: int,
) -> NDArray[np.int64]:
    """Deals the patients of train and validation to folds; arguments and errors are those of ``Cohort.folds``."""
    member = np.isin(splits, _FOLDED)
    groups = {name: group.take(member) for name, group in subgroups.items()}
    folds = np.full(len(splits), -1, dtype=np.int64)
    folds[member] = deal_folds(
        patient_ids[member], labels[member], groups, n_folds, seed=seed, purpose=f"{n_folds} folds"
    )
    folds.setflags(write=False)
    return folds


def deal_folds(
    patient_ids: NDArray[np.str_],
    labels: NDArray[np.int64],
    subgroups: Mapping[str, Subgroups],
    n_folds: int,
    *,
    seed: int,
    purpose: str,
) -> NDArray[np.int64]:
    """Deals patients to equal folds; other arguments are those of ``deal_patients``.

    Raises:
        ConfigurationError: if there are fewer than 2 folds.
        SplitError: if there are fewer patients of a class than folds.
    """
    if n_folds < 2:
        raise ConfigurationError(f"The number of folds is {n_folds}. Give 2 or more, or ask for no folds.")
    for label in (0, 1):
        n_patients = len(np.unique(patient_ids[labels == label]))
        if n_patients < n_folds:
            raise SplitError(
                f"{n_folds} folds were asked for, and {n_patients} patients have images of class {label}, which each "
                "fold needs. Ask for fewer folds."
            )
    return deal_patients(patient_ids, labels, subgroups, [1 / n_folds] * n_folds, seed=seed, purpose=purpose)


def count_folds(
    folds: NDArray[np.int64],
    patient_ids: NDArray[np.str_],
    labels: NDArray[np.int64],
    subgroups: Mapping[str, Subgroups],
) -> tuple[dict[str, Any], ...]:
    """Counts what each fold trains and validates on; the form is that of ``Cohort.fold_counts``."""

    def count(fold: int) -> dict[str, Any]:
        roles = np.where(folds == fold, "validation", np.where(folds >= 0, "train", ""))
        counted = count_cohort(labels, patient_ids, roles, subgroups)["splits"]
        return {role: counted[role] for role in _FOLDED}

    return tuple(count(fold) for fold in range(int(folds.max()) + 1))
