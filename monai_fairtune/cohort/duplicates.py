"""Images that are the same file under several names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.cohort.hashing import files_sha256

__all__ = ["DuplicateFiles", "find_duplicates"]


@dataclass(frozen=True)
class DuplicateFiles:
    """Two images or more with the same bytes.

    Args:
        images: their names as in the manifest.
        splits: the splits they are in, each once.
        n_patients: how many patients they are attributed to.
        labels: the labels they have, each once.
    """

    images: tuple[str, ...]
    splits: tuple[str, ...]
    n_patients: int
    labels: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON."""
        return {
            "images": list(self.images),
            "splits": list(self.splits),
            "n_patients": self.n_patients,
            "labels": list(self.labels),
        }


def find_duplicates(cohort: Cohort, rows: Sequence[int]) -> tuple[DuplicateFiles, ...]:
    """Returns the groups of equal files among some rows of a cohort, in the order of the manifest.

    Raises:
        OSError: if a file cannot be read.
    """
    same: defaultdict[str, list[int]] = defaultdict(list)
    for row, sha256 in zip(rows, files_sha256([cohort.images[row] for row in rows]), strict=True):
        same[sha256].append(row)
    return tuple(_group(cohort, group) for group in same.values() if len(group) > 1)


def _group(cohort: Cohort, rows: list[int]) -> DuplicateFiles:
    return DuplicateFiles(
        images=tuple(cohort.image_names[row] for row in rows),
        splits=tuple(name for name in cohort.split_names if name in cohort.splits[rows]),
        n_patients=len(np.unique(cohort.patient_ids[rows])),
        labels=tuple(np.unique(cohort.labels[rows]).tolist()),
    )
