"""Metrics of one set of images under many weightings of its patients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranking", "Sums"]

_BLOCK = 16384
"""Patients multiplied at once: what stays in the processor's cache."""
_MANY = 50_000
"""Patients above which sums of a block are taken in single precision; counts stay exact."""


@dataclass(frozen=True)
class Ranking:
    """What the weighted AUROC needs, sorted once.

    Args:
        negatives: the patients' columns of the negative images, in the order of their scores.
        positives: likewise of the positive images.
        below: for each positive, how many negatives score below it.
        not_above: for each positive, how many negatives do not score above it; the same array without ties.
        tie_end: for each negative, how many negatives do not score above it.
    """

    negatives: NDArray[np.intp]
    positives: NDArray[np.intp]
    below: NDArray[np.intp]
    not_above: NDArray[np.intp]
    tie_end: NDArray[np.intp]

    @classmethod
    def of(cls, labels: NDArray[np.int64], scores: NDArray[np.float64], columns: NDArray[np.intp]) -> Ranking:
        """Sorts images.

        Args:
            labels: shape ``(n,)``.
            scores: shape ``(n,)``.
            columns: shape ``(n,)``, where each image's patient stands in the weights.
        """
        order = np.argsort(scores, kind="stable")
        positive = labels[order] == 1
        low, high = scores[order][~positive], scores[order][positive]
        below, not_above = np.searchsorted(low, high, side="left"), np.searchsorted(low, high, side="right")
        return cls(
            columns[order][~positive],
            columns[order][positive],
            below,
            below if (below == not_above).all() else not_above,
            np.searchsorted(low, low, side="right"),
        )

    def auroc_and_sensitivity(self, weights: NDArray[np.uint8], specificity: int) -> NDArray[np.float64]:
        """Returns the AUROC and the largest TPR at a specificity of at least ``specificity`` percent.

        Args:
            weights: shape ``(r, n_patients)``.
            specificity: percent.

        Returns:
            Shape ``(r, 2)``, NaN where a class has no weight.
        """
        found = np.full((len(weights), 2), np.nan)
        if len(self.negatives) and len(self.positives):
            for row, drawn in enumerate(weights):
                found[row] = self._one(drawn, specificity)
        return found

    def _one(self, weights: NDArray[np.uint8], specificity: int) -> tuple[float, float]:
        below = np.zeros(len(self.negatives) + 1, dtype=np.int32)
        weights.take(self.negatives).cumsum(dtype=np.int32, out=below[1:])
        weight = weights.take(self.positives)
        n_positive, n_negative = int(np.add.reduce(weight, dtype=np.int64)), int(below[-1])
        if not n_positive or not n_negative:
            return math.nan, math.nan
        wins = below.take(self.below)
        wins += wins if self.not_above is self.below else below.take(self.not_above)
        auroc = float(weight.astype(np.float64) @ wins) / (2 * n_positive * n_negative)
        last = int(below[1:].searchsorted(-(-specificity * n_negative // 100)))
        above = int(self.below.searchsorted(self.tie_end[last]))
        return auroc, int(np.add.reduce(weight[above:], dtype=np.int64)) / n_positive


@dataclass(frozen=True)
class Sums:
    """Sums over images, added up by patient once; every replicate is then a product of matrices.

    Args:
        columns: where the patients stand in the weights; a slice where they are neighbours.
        by_patient: shape ``(n_sums, n_patients_of_these_images)``; of very many patients in single precision, whose
            error is a thousandth of the standard error that the replicates are for.
    """

    columns: slice | NDArray[np.intp]
    by_patient: NDArray[np.float64]

    @classmethod
    def of(cls, terms: NDArray[np.float64], columns: NDArray[np.intp]) -> Sums:
        """Adds images up.

        Args:
            terms: shape ``(n_sums, n)``.
            columns: shape ``(n,)``, where each image's patient stands in the weights.
        """
        if not len(columns):
            return cls(slice(0, 0), terms)
        if (np.diff(columns) < 0).any():
            order = np.argsort(columns, kind="stable")
            terms, columns = terms[:, order], columns[order]
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        owners = columns[starts]
        total = terms if len(starts) == len(columns) else np.add.reduceat(terms, starts, axis=1)
        if total.shape[1] > _MANY:
            total = total.astype(np.float32)
        if owners[-1] - owners[0] + 1 == len(owners):
            return cls(slice(int(owners[0]), int(owners[-1]) + 1), total)
        return cls(owners, total)

    def weighted(self, weights: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Returns the sums under weights ``(r, n_patients)``: shape ``(r, n_sums)``."""
        total = np.zeros((len(weights), len(self.by_patient)))
        kind = self.by_patient.dtype
        for start in range(0, self.by_patient.shape[1], _BLOCK):
            block = slice(start, start + _BLOCK)
            if isinstance(self.columns, slice):
                part = weights[:, self.columns][:, block]
            else:
                part = weights[:, self.columns[block]]
            total += part.astype(kind) @ self.by_patient[:, block].T
        return total
