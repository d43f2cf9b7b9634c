"""Rates of a classifier's decisions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import PredictionsError, UndefinedMetricError
from monai_fairtune.metrics.samples import checked

__all__ = ["accuracy", "false_positive_rate", "positive_rate", "true_positive_rate"]


def accuracy(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the share of samples that are decided as labelled; larger is better.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        decisions: shape ``(n,)``, bool or 0 and 1; what the classifier calls positive.

    Raises:
        UndefinedMetricError: if there are no samples.
        PredictionsError: if the shapes differ, or a label or decision is not 0 or 1.

    Example:
        >>> accuracy([0, 0, 1, 1], [0, 1, 1, 1])
        0.75
    """
    truth, decided = _checked(labels, decisions)
    return _share(truth == decided, "Accuracy", "there are no samples")


def positive_rate(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the share of samples that the classifier calls positive (the selection rate); it has no polarity.

    Arguments and errors are those of ``accuracy``; the labels are only counted.
    """
    _, decided = _checked(labels, decisions)
    return _share(decided, "The positive rate", "there are no samples")


def true_positive_rate(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the share of positives that the classifier calls positive; larger is better.

    Arguments and errors are those of ``accuracy``, and it is undefined as well where no sample is positive.

    Example:
        >>> true_positive_rate([0, 0, 1, 1], [0, 1, 1, 0])
        0.5
    """
    truth, decided = _checked(labels, decisions)
    return _share(decided[truth], "The true positive rate", f"none of {truth.size} samples is positive")


def false_positive_rate(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the share of negatives that the classifier calls positive; smaller is better.

    Arguments and errors are those of ``accuracy``, and it is undefined as well where no sample is negative.
    """
    truth, decided = _checked(labels, decisions)
    return _share(decided[~truth], "The false positive rate", f"none of {truth.size} samples is negative")


def _checked(labels: ArrayLike, decisions: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    truth, decided = checked(labels, decisions, "decisions")
    if not np.isin(decided, (0, 1)).all():
        raise PredictionsError(
            f"Decisions hold {np.unique(decided)[:5].tolist()}. Give 0 or 1 for each: apply a threshold first."
        )
    return truth, decided == 1


def _share(chosen: NDArray[np.bool_], name: str, why: str) -> float:
    if chosen.size == 0:
        raise UndefinedMetricError(f"{name} is undefined: {why}. Merge with another subgroup, or draw a larger split.")
    return float(np.count_nonzero(chosen) / chosen.size)
