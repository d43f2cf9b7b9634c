"""The area under the ROC curve, by ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.metrics.samples import checked

__all__ = ["auroc", "sensitivity_at_specificity"]


def auroc(labels: ArrayLike, scores: ArrayLike, *, min_per_class: int = 1) -> float:
    """Returns the probability that a random positive scores above a random negative, ties counting one half.

    Only the order of the scores matters; give logits rather than probabilities that may saturate.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        scores: shape ``(n,)``, finite; larger means more likely to be of class 1.
        min_per_class: the fewest negatives and the fewest positives for which the answer is given, at least 1.

    Returns:
        The AUROC in [0, 1]; larger is better, 0.5 is chance.

    Raises:
        UndefinedMetricError: if there are fewer than ``min_per_class`` positives or negatives, naming the counts.
        PredictionsError: if the shapes differ, a label is not 0 or 1, or a score is not finite.

    Example:
        >>> auroc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.9])
        0.875

    Source:
        Bamber, "The area above the ordinal dominance graph and the area below the receiver operating characteristic
        graph", Journal of Mathematical Psychology 12 (1975).
    """
    positive, numbers = _both_classes(labels, scores, "AUROC", min_per_class)
    n_positive = int(np.count_nonzero(positive))
    n_negative = positive.size - n_positive
    high, low = np.sort(numbers[positive]), np.sort(numbers[~positive])
    wins = int(np.searchsorted(low, high, "left").sum()) + int(np.searchsorted(low, high, "right").sum())
    return wins / (2 * n_positive * n_negative)


def sensitivity_at_specificity(
    labels: ArrayLike, scores: ArrayLike, *, percent: int = 90, min_per_class: int = 1
) -> float:
    """Returns the largest true positive rate among the thresholds that reach a specificity; larger is better.

    The threshold belongs to these samples alone: of a subgroup it tells how well its own ROC curve does there, not
    what the common operating point gives it.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        scores: shape ``(n,)``, finite; larger means more likely to be of class 1.
        percent: the specificity to reach, from 1 to 100.
        min_per_class: as for ``auroc``.

    Raises:
        UndefinedMetricError: as ``auroc``.
        PredictionsError: as ``auroc``.

    Example:
        >>> sensitivity_at_specificity([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], percent=90)
        0.5
    """
    positive, numbers = _both_classes(labels, scores, "Sensitivity at a fixed specificity", min_per_class)
    negatives = np.sort(numbers[~positive])
    threshold = negatives[-(-percent * len(negatives) // 100) - 1]
    return float(np.mean(numbers[positive] > threshold))


def _both_classes(
    labels: ArrayLike, scores: ArrayLike, name: str, min_per_class: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    positive, numbers = checked(labels, scores)
    n_positive = int(np.count_nonzero(positive))
    n_negative = positive.size - n_positive
    if min(n_positive, n_negative) < max(min_per_class, 1):
        raise UndefinedMetricError(_too_few(name, n_positive, n_negative, min_per_class))
    return positive, numbers


def _too_few(name: str, n_positive: int, n_negative: int, min_per_class: int) -> str:
    found = f"{n_positive} positive and {n_negative} negative samples"
    if min(n_positive, n_negative) == 0:
        return f"{name} is undefined for {found}. Merge with another subgroup, or draw the split to hold both classes."
    return (
        f"{name} is not given for {found}, fewer than min_per_class={min_per_class} of a class. "
        "Merge with another subgroup, or draw a larger split."
    )
