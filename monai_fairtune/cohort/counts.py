"""How many images, patients and positives a cohort holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.splits import SPLIT_NAMES
from monai_fairtune.subgroups import MISSING, Subgroups

__all__ = ["Counted", "count_cohort"]


@dataclass(frozen=True, eq=False, repr=False)
class Counted:
    """Images to count.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        patient_ids: shape ``(n,)``, text or whole numbers.
        subgroups: attribute declaration to the images' subgroups.
    """

    labels: NDArray[np.int64]
    patient_ids: NDArray[np.str_] | NDArray[np.int64]
    subgroups: Mapping[str, Subgroups]

    @cached_property
    def patients(self) -> NDArray[np.int64]:
        """The patient of each image as a whole number, from 0: shape ``(n,)``. Numbers are faster to count than ids."""
        return np.unique(self.patient_ids, return_inverse=True)[1]

    def count(self, rows: NDArray[np.bool_]) -> dict[str, int]:
        """Counts some images: ``n``, ``n_patients`` and ``n_positive``."""
        return {
            "n": int(rows.sum()),
            "n_patients": int(np.count_nonzero(np.bincount(self.patients[rows]))),
            "n_positive": int(self.labels[rows].sum()),
        }

    def count_attributes(self, rows: NDArray[np.bool_]) -> dict[str, Any]:
        """Counts some images and their subgroups; the form is that of a split in ``Cohort.counts``."""
        attributes = {
            name: {
                "subgroups": {subgroup: self.count(rows & member) for subgroup, member in group.items()},
                "missing": self.count(rows & (group.codes == MISSING)),
            }
            for name, group in self.subgroups.items()
        }
        return {**self.count(rows), "attributes": attributes}


def count_cohort(
    labels: NDArray[np.int64],
    patient_ids: NDArray[np.str_],
    splits: NDArray[np.str_],
    subgroups: Mapping[str, Subgroups],
) -> dict[str, Any]:
    """Counts a cohort, its splits and their subgroups; the form is that of ``Cohort.counts``."""
    counted = Counted(labels, patient_ids, subgroups)
    each = {split: counted.count_attributes(np.asarray(splits == split)) for split in SPLIT_NAMES}
    return {**counted.count(np.ones(len(labels), dtype=np.bool_)), "splits": each}
