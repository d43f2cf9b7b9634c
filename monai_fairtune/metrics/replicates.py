"""Metrics of one set of images under many weightings of its patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranking", "Sums"]


@dataclass(frozen=True)
class Ranking:
    """What the weighted AUROC needs, sorted once.

    Args:
        negatives: the patients' columns of the negative images, in the order of their scores.
        positives: likewise of the positive images.
        below: for each positive, how many negatives score below it.
        not_above: for each positive, how many negatives do not score above it.
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
        return cls(
            columns[order][~positive],
            columns[order][positive],
            np.searchsorted(low, high, side="left"),
            np.searchsorted(low, high, side="right"),
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
        rows = len(weights)
        found = np.full((rows, 2), np.nan)
        if not len(self.negatives) or not len(self.positives):
            return found
        cumulated = np.zeros((rows, len(self.negatives) + 1), dtype=np.int32)
        np.cumsum(weights[:, self.negatives], axis=1, dtype=np.int32, out=cumulated[:, 1:])
        drawn = weights[:, self.positives]
        for row in range(rows):
            below, weight = cumulated[row], drawn[row].astype(np.float64)
            n_positive, n_negative = weight.sum(), int(below[-1])
            if n_positive and n_negative:
                wins = below[self.below] + below[self.not_above]
                found[row, 0] = float(weight @ wins) / (2 * n_positive * n_negative)
                last = int(np.searchsorted(below[1:], -(-specificity * n_negative // 100)))
                above = int(np.searchsorted(self.below, self.tie_end[last]))
                found[row, 1] = float(weight[above:].sum()) / n_positive
        return found


@dataclass(frozen=True)
class Sums:
    """Sums over images, added up by patient once; every replicate is then a product of matrices.

    Args:
        columns: where the patients stand in the weights; a slice where they are neighbours.
        by_patient: shape ``(n_patients_of_these_images, n_sums)``.
    """

    columns: slice | NDArray[np.intp]
    by_patient: NDArray[np.float64]

    @classmethod
    def of(cls, terms: NDArray[np.float64], columns: NDArray[np.intp]) -> Sums:
        """Adds images up.

        Args:
            terms: shape ``(n, n_sums)``.
            columns: shape ``(n,)``, where each image's patient stands in the weights.
        """
        if not len(columns):
            return cls(slice(0, 0), terms)
        order = np.argsort(columns, kind="stable")
        starts = np.flatnonzero(np.diff(columns[order], prepend=-1))
        owners, total = columns[order][starts], terms[order]
        if len(starts) < len(columns):
            total = np.add.reduceat(total, starts, axis=0)
        if owners[-1] - owners[0] + 1 == len(owners):
            return cls(slice(int(owners[0]), int(owners[-1]) + 1), total)
        return cls(owners, total)

    def weighted(self, weights: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Returns the sums under weights ``(r, n_patients)``: shape ``(r, n_sums)``."""
        return weights[:, self.columns].astype(np.float64) @ self.by_patient
