"""The operating point: above which probability a sample is called positive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.predictions import Predictions

__all__ = ["Threshold", "choose_threshold"]


@dataclass(frozen=True)
class Threshold:
    """One operating point for all subgroups, and where it came from.

    Args:
        value: a sample is called positive if its probability of class 1 is at least this; in [0, 1].
        chosen_on: the split it was chosen on, such as ``"validation"``, or ``"given"``.
        rule: how it was chosen, such as ``"youden"`` or ``"fixed"``.

    Raises:
        ConfigurationError: if the value is outside [0, 1].

    Example:
        >>> Threshold(0.5, chosen_on="given", rule="fixed").to_dict()
        {'value': 0.5, 'chosen_on': 'given', 'rule': 'fixed'}
    """

    value: float
    chosen_on: str
    rule: str

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise ConfigurationError(f"The threshold is {self.value}. Give a probability, in [0, 1].")
        object.__setattr__(self, "value", float(self.value))

    def decide(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Returns which samples are called positive: shape ``(n,)``, bool."""
        return np.asarray(predictions.probabilities >= self.value)

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {"value": self.value, "chosen_on": self.chosen_on, "rule": self.rule}


def choose_threshold(predictions: Predictions, *, chosen_on: str = "validation", rule: str = "youden") -> Threshold:
    """Chooses the operating point that maximises sensitivity plus specificity over the whole split.

    The threshold lies halfway between two neighbouring probabilities, so that the last digits of a score decide
    nothing; of equally good ones the lowest is taken, which misses the fewest positives. One threshold serves all
    subgroups. A model that gives every sample the same score gets that score: every sample is then called positive.

    Args:
        predictions: the split to choose on; its subgroups are not looked at.
        chosen_on: that split's name, kept in the result; not ``"test"``.
        rule: ``"youden"``.

    Returns:
        The threshold, on the probability of class 1.

    Raises:
        UndefinedMetricError: if the split holds one class only.
        ConfigurationError: if the rule is unknown, or the split is the test split.

    Example:
        >>> predictions = Predictions([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9], kind="probability", subgroups={})
        >>> choose_threshold(predictions).value
        0.5

    Source:
        Youden, "Index for rating diagnostic tests", Cancer 3 (1950).
    """
    if rule != "youden":
        raise ConfigurationError(f"The threshold rule is {rule!r}. Give 'youden', or build a Threshold of your own.")
    if chosen_on == "test":
        raise ConfigurationError(
            "A threshold was to be chosen on the test split. Choose it on validation and carry it over: "
            "a threshold that has seen the test labels flatters every rate."
        )
    return Threshold(_youden(predictions.labels, predictions.probabilities), chosen_on, rule)


def _youden(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    n_positive = int(labels.sum())
    n_negative = len(labels) - n_positive
    if min(n_positive, n_negative) == 0:
        raise UndefinedMetricError(
            f"No threshold can be chosen from {n_positive} positive and {n_negative} negative samples. "
            "Draw the split so that it holds both classes."
        )
    candidates, inverse = np.unique(probabilities, return_inverse=True)
    positives = np.bincount(inverse, weights=labels, minlength=len(candidates))
    negatives = np.bincount(inverse, weights=1 - labels, minlength=len(candidates))
    found = np.cumsum(positives[::-1])[::-1]
    false = np.cumsum(negatives[::-1])[::-1]
    # Whole numbers below 2**53: equal indices compare equal, and the first of them is the lowest threshold.
    best = int(np.argmax(found * n_negative - false * n_positive))
    below, above = float(candidates[max(best - 1, 0)]), float(candidates[best])
    halfway = below + (above - below) / 2
    return halfway if halfway > below else above
