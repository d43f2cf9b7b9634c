"""The folds of k-fold validation: the train and validation splits together, dealt anew by patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.counts import count_cohort
from monai_fairtune.cohort.stratification import deal_patients
from monai_fairtune.exceptions import ConfigurationError, SplitError
from monai_fairtune.subgroups import Subgroups

__all__ = ["assign_folds", "count_folds"]

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
    n_patients = len(np.unique(patient_ids[member]))
    if n_folds < 2:
        raise ConfigurationError(f"n_folds is {n_folds}. Give 2 or more, or none to validate on the validation split.")
    groups = {name: group.take(member) for name, group in subgroups.items()}
    shares = [1 / n_folds] * n_folds
    dealt = deal_patients(patient_ids[member], labels[member], groups, shares, seed=seed, purpose=f"{n_folds} folds")
    if len(np.unique(dealt)) < n_folds:
        raise SplitError(
            f"{n_folds} folds were asked for, and the train and validation splits hold {n_patients} patients. "
            "Ask for fewer folds."
        )
    folds = np.full(len(splits), -1, dtype=np.int64)
    folds[member] = dealt
    folds.setflags(write=False)
    return folds


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
