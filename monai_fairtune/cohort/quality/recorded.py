"""What the table records of each image, as codes: the ground of all findings that need no image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.quality.association import patient_labels
from monai_fairtune.subgroups import Subgroups

__all__ = ["Recorded", "columns_of"]


@dataclass(frozen=True, eq=False, repr=False)
class Recorded:
    """Labels, patients, splits, subgroups and acquisition of ``n`` images.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        patients: shape ``(n,)``, whole numbers from 0.
        splits: shape ``(n,)``, names.
        attributes: declaration to the images' subgroups.
        acquisition: likewise, of columns that say how an image came about, such as site and scanner.
    """

    labels: NDArray[np.int64]
    patients: NDArray[np.int64]
    splits: NDArray[np.str_]
    attributes: Mapping[str, Subgroups]
    acquisition: Mapping[str, Subgroups]

    def take(self, rows: Sequence[int]) -> Recorded:
        """Returns what is recorded of some of the images."""
        index = np.array(rows, dtype=np.int64)
        attributes, acquisition = (
            {name: group.take(index) for name, group in groups.items()}
            for groups in (self.attributes, self.acquisition)
        )
        return Recorded(self.labels[index], self.patients[index], self.splits[index], attributes, acquisition)

    @cached_property
    def patient_labels(self) -> NDArray[np.int64]:
        """Whether any image of the image's patient is of class 1: shape ``(n,)``, 0 or 1."""
        return patient_labels(self.patients, self.labels)

    @cached_property
    def split_codes(self) -> NDArray[np.int64]:
        """The split of each image as a whole number: shape ``(n,)``."""
        return np.unique(self.splits, return_inverse=True)[1]

    @cached_property
    def intersections(self) -> dict[str, Subgroups]:
        """Every two attributes that are not intersections themselves, crossed, unless that is declared."""
        single = {name: group for name, group in self.attributes.items() if "*" not in name}
        found = {}
        for (a, first), (b, second) in combinations(single.items(), 2):
            if columns_of(a).isdisjoint(columns_of(b)) and not {f"{a}*{b}", f"{b}*{a}"} & set(self.attributes):
                found[f"{a}*{b}"] = Subgroups.cross(f"{a}*{b}", [first, second])
        return found


def columns_of(declaration: str) -> set[str]:
    """Returns the columns that a declared attribute reads.

    Example:
        >>> sorted(columns_of("sex*age:60"))
        ['age', 'sex']
    """
    return {part.partition(":")[0] for part in declaration.split("*")}
