"""Rates of a classifier's decisions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import PredictionsError, UndefinedMetricError
from monai_fairtune.metrics.samples import checked

__all__ = [
    "accuracy",
    "balanced_accuracy",
    "false_negative_rate",
    "false_negatives_per_1000",
    "false_positive_rate",
    "false_positives_per_1000",
    "negative_predictive_value",
    "positive_predictive_value",
    "positive_rate",
    "true_negative_rate",
    "true_positive_rate",
]


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


def true_negative_rate(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the share of negatives that the classifier calls negative (specificity); larger is better.

    Arguments and errors are those of ``false_positive_rate``.
    """
    truth, decided = _checked(labels, decisions)
    return _share(~decided[~truth], "The true negative rate", f"none of {truth.size} samples is negative")


def false_negative_rate(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the share of positives that the classifier calls negative; smaller is better.

    Where class 1 is a disease, it is the underdiagnosis rate: of the patients who have it, how many are missed.

    Arguments and errors are those of ``true_positive_rate``.

    Source:
        Seyyed-Kalantari et al., "Underdiagnosis bias of artificial intelligence algorithms applied to chest
        radiographs in under-served patient populations", Nature Medicine 27 (2021).
    """
    truth, decided = _checked(labels, decisions)
    return _share(~decided[truth], "The false negative rate", f"none of {truth.size} samples is positive")


def balanced_accuracy(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the mean of the true positive and the true negative rate; larger is better, 0.5 is chance.

    Arguments are those of ``accuracy``; it is undefined where either rate is.

    Example:
        >>> balanced_accuracy([0, 0, 0, 1], [0, 0, 1, 1]).__round__(3)
        0.833
    """
    return (true_positive_rate(labels, decisions) + true_negative_rate(labels, decisions)) / 2


def positive_predictive_value(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the share of positives among the samples called positive (precision); larger is better.

    Its equality among subgroups is predictive parity. It depends on how common the class is.

    Arguments and errors are those of ``accuracy``, and it is undefined as well where no sample is called positive.
    """
    truth, decided = _checked(labels, decisions)
    return _share(truth[decided], "The positive predictive value", f"none of {truth.size} samples is called positive")


def negative_predictive_value(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns the share of negatives among the samples called negative; larger is better.

    Arguments and errors are those of ``accuracy``, and it is undefined as well where no sample is called negative.
    """
    truth, decided = _checked(labels, decisions)
    return _share(~truth[~decided], "The negative predictive value", f"none of {truth.size} samples is called negative")


def false_negatives_per_1000(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns how many of 1000 samples are positive and called negative: missed cases; smaller is better.

    Unlike the false negative rate it depends on how common the class is: it counts harm, not skill.

    Arguments and errors are those of ``accuracy``.

    Example:
        >>> false_negatives_per_1000([0, 0, 1, 1], [0, 1, 1, 0])
        250.0
    """
    truth, decided = _checked(labels, decisions)
    return 1000 * _share(truth & ~decided, "The number of missed cases", "there are no samples")


def false_positives_per_1000(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Returns how many of 1000 samples are negative and called positive: false alarms; smaller is better.

    Arguments and errors are those of ``accuracy``.
    """
    truth, decided = _checked(labels, decisions)
    return 1000 * _share(~truth & decided, "The number of false alarms", "there are no samples")


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
