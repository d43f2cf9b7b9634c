"""Images that occur under several names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.cohort.paths import summarize
from monai_fairtune.exceptions import SplitError

__all__ = ["Duplicates", "contradictions", "find_duplicates", "group_rows", "overlap_problems", "refuse_overlap"]


@dataclass(frozen=True)
class Duplicates:
    """Two images or more with the same bytes, or that look alike.

    Args:
        images: their names as in the manifest.
        splits: the splits they are in, each once.
        n_patients: how many patients they are attributed to.
        labels: the labels they have, each once.
        distance: the largest distance of two linked images' perceptual hashes, in bits; None where the bytes are equal.
    """

    images: tuple[str, ...]
    splits: tuple[str, ...]
    n_patients: int
    labels: tuple[int, ...]
    distance: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON."""
        return {
            "images": list(self.images),
            "splits": list(self.splits),
            "n_patients": self.n_patients,
            "labels": list(self.labels),
            **({} if self.distance is None else {"distance": self.distance}),
        }


def find_duplicates(cohort: Cohort, rows: Sequence[int], sha256: Sequence[str]) -> tuple[Duplicates, ...]:
    """Returns the groups of equal files among some rows of a cohort, in the order of the manifest.

    Args:
        cohort: the images.
        rows: positions within the cohort.
        sha256: the hash of each of these rows' files.
    """
    same: defaultdict[str, list[int]] = defaultdict(list)
    for row, content in zip(rows, sha256, strict=True):
        same[content].append(row)
    return tuple(group_rows(cohort, group) for group in same.values() if len(group) > 1)


def overlap_problems(duplicates: Sequence[Duplicates], *, naming: bool = True) -> tuple[str, ...]:
    """Returns what is wrong if a file is in several splits: it is then learned from and tested on.

    Args:
        duplicates: as ``find_duplicates`` returns them.
        naming: whether to name images.
    """
    across = [group for group in duplicates if len(group.splits) > 1]
    if not across:
        return ()
    return (
        f"{len(across)} image files occur in more than one split under several names"
        f"{_example(across[0], naming=naming)}. Keep one row of each, or give the rows of equal files one patient_id "
        "and redraw the splits with split_fractions.",
    )


def contradictions(duplicates: Sequence[Duplicates], *, naming: bool = True) -> tuple[str, ...]:
    """Returns a caution if a file has both labels; arguments are those of :func:`overlap_problems`."""
    both = [group for group in duplicates if len(group.labels) > 1]
    if not both:
        return ()
    return (f"{len(both)} image files occur with both labels{_example(both[0], naming=naming)}.",)


def _example(group: Duplicates, *, naming: bool) -> str:
    return f", such as {summarize(group.images, 3)}" if naming else ""


def refuse_overlap(cohort: Cohort) -> None:
    """Refuses a cohort in which one file is in several splits.

    Raises:
        SplitError: saying how many files are, and naming one.
        ImageError: if a file cannot be read.
    """
    for problem in overlap_problems(find_duplicates(cohort, range(cohort.n), cohort.image_sha256)):
        raise SplitError(problem)


def group_rows(cohort: Cohort, rows: Sequence[int], *, distance: int | None = None) -> Duplicates:
    """Returns some images of a cohort as one group.

    Args:
        cohort: the images.
        rows: positions within the cohort.
        distance: as in ``Duplicates``.
    """
    chosen = list(rows)
    return Duplicates(
        images=tuple(cohort.image_names[row] for row in chosen),
        splits=tuple(name for name in cohort.split_names if name in cohort.splits[chosen]),
        n_patients=len(np.unique(cohort.patient_ids[chosen])),
        labels=tuple(np.unique(cohort.labels[chosen]).tolist()),
        distance=distance,
    )
