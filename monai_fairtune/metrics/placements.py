"""Placement values: what each image adds to an AUROC, and the variance that follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Placements"]


@dataclass(frozen=True)
class Placements:
    """The placement values of some images, and the AUROC that they average to.

    Args:
        auroc: in [0, 1].
        positives: shape ``(n_positive,)``: the share of negatives that score below this positive, ties one half.
        negatives: shape ``(n_negative,)``: the share of positives that score above this negative, ties one half.

    Source:
        DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
        characteristic curves: a nonparametric approach", Biometrics 44 (1988); by ranks as in Sun and Xu, "Fast
        implementation of DeLong's algorithm", IEEE Signal Processing Letters 21 (2014).
    """

    auroc: float
    positives: NDArray[np.float64]
    negatives: NDArray[np.float64]

    @classmethod
    def of(cls, labels: NDArray[np.int64], scores: NDArray[np.float64]) -> Placements:
        """Computes them; both classes must be there.

        Example:
            >>> Placements.of(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.9])).auroc
            0.875
        """
        high, low = scores[labels == 1], scores[labels == 0]
        positives = _share_below(high, low)
        return cls(float(positives.mean()), positives, 1 - _share_below(low, high))

    def covariance(self, other: Placements | None = None) -> float:
        """Returns DeLong's covariance of two AUROCs of the same images, by default the variance of this one.

        Each image must be of another patient; a class with one image counts as if it did not vary.
        """
        other = other or self
        return _covariance(self.positives, other.positives) + _covariance(self.negatives, other.negatives)

    def pull(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns how each image moves the AUROC: shape ``(n,)``, summing to 0.

        The sum over the patients of their squared sums is the variance of the AUROC when patients, not images, are
        drawn.

        Args:
            labels: shape ``(n,)``, as given to ``of``.

        Source:
            Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53 (1997).
        """
        moved = np.empty(len(labels))
        moved[labels == 1] = (self.positives - self.auroc) / len(self.positives)
        moved[labels == 0] = (self.negatives - self.auroc) / len(self.negatives)
        return moved


def _share_below(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns for each score the share of the others below it, ties one half."""
    order, others = np.argsort(scores), np.sort(others)
    ranked = scores[order]
    share = np.empty(len(scores))
    share[order] = (np.searchsorted(others, ranked, "left") + np.searchsorted(others, ranked, "right")) / 2
    return share / len(others)


def _covariance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if len(a) < 2:
        return 0.0
    return float((a - a.mean()) @ (b - b.mean())) / (len(a) - 1) / len(a)
