"""Images with a score, whether or not their label is known yet: what a case mix is taken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from monai_fairtune.audit.prepare import Prepared
from monai_fairtune.metrics import Images
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups, merge_alike

__all__ = ["Scored"]

_NO_LABEL = -1


@dataclass(frozen=True, eq=False, repr=False)
class Scored:
    """Images of a table, of a window of it, or of the reference.

    Args:
        probabilities: shape ``(n,)``.
        patients: shape ``(n,)``, whole numbers from 0.
        labels: shape ``(n,)``, 0 or 1, and -1 where it is not known.
        subgroups: by attribute.
    """

    probabilities: NDArray[np.float64]
    patients: NDArray[np.int64]
    labels: NDArray[np.int64]
    subgroups: Mapping[str, Subgroups]

    @classmethod
    def of_table(cls, prepared: Prepared) -> tuple[Scored, NDArray[np.bool_]]:
        """Returns the images of a binary table that have a score, and which of its rows they are."""
        rows = prepared.rows.assessed | prepared.rows.unlabelled
        taken = prepared.findings.take(rows)
        scores = taken.scores[:, 0]
        subgroups = {
            name: merge_alike(group.take(rows), prepared.subgroups[name], prepared.merges[name])
            for name, group in prepared.every.items()
        }
        probabilities = scores if prepared.request.kind == "probability" else expit(scores)
        return cls(probabilities, prepared.patients.take(rows).codes, taken.labels[:, 0], subgroups), rows

    @classmethod
    def of_predictions(cls, predictions: Predictions) -> Scored:
        """Returns the images of stored predictions."""
        return cls(predictions.probabilities, predictions.patients.codes, predictions.labels, predictions.subgroups)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, member: NDArray[np.bool_]) -> Scored:
        """Returns some of the images, under the same subgroups."""
        return Scored(
            self.probabilities[member],
            np.unique(self.patients[member], return_inverse=True)[1],
            self.labels[member],
            {name: group.take(member) for name, group in self.subgroups.items()},
        )

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which images have a label."""
        return np.asarray(self.labels != _NO_LABEL)

    @property
    def images(self) -> Images:
        """The images as the tests take them."""
        return Images(self.probabilities, self.patients, self.labels)

    def member(self, attribute: str, name: str | None) -> NDArray[np.bool_]:
        """Returns which images belong to a subgroup, None being those without a recorded value.

        No image belongs to a subgroup that these images do not know.
        """
        group = self.subgroups[attribute]
        if name is None:
            return np.asarray(group.codes < 0)
        return group.member(name) if name in group.names else np.zeros(len(self), dtype=np.bool_)

    def cells(self, attribute: str) -> list[str | None]:
        """Returns the subgroups that hold an image, then None if one has no recorded value."""
        names: list[str | None] = [*self.subgroups[attribute].names, None]
        return [name for name in names if self.member(attribute, name).any()]
