"""How many images, patients and positives a cohort holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.splits import SPLIT_NAMES
from monai_fairtune.subgroups import MISSING, Subgroups

__all__ = ["count_cohort"]


def count_cohort(
    labels: NDArray[np.int64],
    patient_ids: NDArray[np.str_],
    splits: NDArray[np.str_],
    subgroups: Mapping[str, Subgroups],
) -> dict[str, Any]:
    """Counts a cohort, its splits and their subgroups; the form is that of ``Cohort.counts``."""

    def count(rows: NDArray[np.bool_]) -> dict[str, int]:
        return {
            "n": int(rows.sum()),
            "n_patients": len(np.unique(patient_ids[rows])),
            "n_positive": int(labels[rows].sum()),
        }

    def count_attribute(rows: NDArray[np.bool_], group: Subgroups) -> dict[str, Any]:
        cells = {name: count(rows & member) for name, member in group.items()}
        return {"subgroups": cells, "missing": count(rows & (group.codes == MISSING))}

    counted: dict[str, Any] = {}
    for split in SPLIT_NAMES:
        rows = np.asarray(splits == split)
        attributes = {name: count_attribute(rows, group) for name, group in subgroups.items()}
        counted[split] = {**count(rows), "attributes": attributes}
    return {**count(np.ones(len(labels), dtype=np.bool_)), "splits": counted}
