"""Some images of a split, a subgroup or all of them, measured on their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from monai_fairtune.metrics.calibration import expected_calibration_error
from monai_fairtune.metrics.calibration_fit import calibration_intercept, calibration_line
from monai_fairtune.metrics.loss import brier_score, log_loss
from monai_fairtune.metrics.placements import Placements
from monai_fairtune.metrics.ranking import auroc, sensitivity_at_specificity
from monai_fairtune.metrics.rates import (
    accuracy,
    balanced_accuracy,
    false_negative_rate,
    false_negatives_per_1000,
    false_positive_rate,
    false_positives_per_1000,
    negative_predictive_value,
    positive_predictive_value,
    positive_rate,
    true_negative_rate,
    true_positive_rate,
)
from monai_fairtune.metrics.threshold import Threshold
from monai_fairtune.metrics.value import Value
from monai_fairtune.predictions import Predictions

__all__ = ["SPECIFICITY_PERCENT", "Cell", "Cells"]

SPECIFICITY_PERCENT = 90
"""Where the true positive rate at a fixed specificity is taken."""

_RATES: Mapping[str, Callable[[NDArray[np.int64], NDArray[np.bool_]], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "tpr": true_positive_rate,
    "fpr": false_positive_rate,
    "tnr": true_negative_rate,
    "fnr": false_negative_rate,
    "ppv": positive_predictive_value,
    "npv": negative_predictive_value,
    "positive_rate": positive_rate,
    "underdiagnosis_rate": false_negative_rate,
    "overdiagnosis_rate": false_positive_rate,
    "fn_per_1000": false_negatives_per_1000,
    "fp_per_1000": false_positives_per_1000,
}


@dataclass(frozen=True, eq=False)
class Cell:
    """Labels, scores and decisions of some images.

    Args:
        where: names the images at the head of a reason.
        labels: shape ``(n,)``, 0 or 1.
        scores: shape ``(n,)``, as the predictions hold them.
        kind: of the scores.
        probabilities: shape ``(n,)``.
        decisions: shape ``(n,)``, bool.
        patients: shape ``(n,)``, the patient of each image, numbered over the whole split by first appearance.
        min_per_class: the fewest negatives and positives for which ranks are reported.
    """

    where: str
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    kind: str
    probabilities: NDArray[np.float64]
    decisions: NDArray[np.bool_]
    patients: NDArray[np.int64]
    min_per_class: int

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def n_positive(self) -> int:
        """Images of class 1."""
        return int(self.labels.sum())

    @property
    def n_patients(self) -> int:
        """Patients of these images."""
        return self.counts["all"][1]

    @cached_property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """How many images and how many patients: ``all``, ``positive``, ``negative``, ``called``, ``not called``."""
        positive = self.labels == 1
        groups = {"positive": positive, "negative": ~positive, "called": self.decisions, "not called": ~self.decisions}
        return {"all": (len(self), self.count_patients(slice(None)))} | {
            name: (int(np.count_nonzero(member)), self.count_patients(member)) for name, member in groups.items()
        }

    def count_patients(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> int:
        """Returns how many patients the chosen images come from."""
        return int(np.count_nonzero(np.bincount(self.patients[chosen])))

    @cached_property
    def placements(self) -> Placements:
        """The placement values; both classes must be there."""
        return Placements.of(self.labels, self.scores)

    @cached_property
    def logits(self) -> NDArray[np.float64]:
        """The log-odds of class 1; infinite where a probability is 0 or 1."""
        if self.kind == "logit":
            return self.scores
        with np.errstate(divide="ignore"):
            return np.asarray(logit(self.probabilities))

    @cached_property
    def calibration_line(self) -> tuple[float, float]:
        """Intercept and slope of the labels' log-odds on the model's.

        Raises:
            UndefinedMetricError: as ``calibration_slope``.
        """
        return calibration_line(self.labels, self.logits)

    @cached_property
    def values(self) -> dict[str, Value]:
        """Every measure of these images, or why it has no value."""
        labels, scores = self.labels, self.scores
        enough = {"min_per_class": self.min_per_class}
        measures: dict[str, Callable[[], float]] = {
            "auroc": partial(auroc, labels, scores, **enough),
            **{name: partial(rate, labels, self.decisions) for name, rate in _RATES.items()},
            f"tpr_at_specificity_{SPECIFICITY_PERCENT}": partial(
                sensitivity_at_specificity, labels, scores, percent=SPECIFICITY_PERCENT, **enough
            ),
            "log_loss": partial(log_loss, labels, scores, kind="logit" if self.kind == "logit" else "probability"),
            "brier": partial(brier_score, labels, self.probabilities),
            "ece": partial(expected_calibration_error, labels, self.probabilities),
            "calibration_intercept": partial(calibration_intercept, labels, self.logits),
            "calibration_slope": lambda: self.calibration_line[1],
        }
        return {name: Value.of(measure, self.where) for name, measure in measures.items()}


class Cells:
    """Takes cells out of one split.

    Args:
        predictions: the split.
        threshold: of all decisions.
        min_per_class: the fewest negatives and positives of a subgroup for which ranks are reported.
    """

    def __init__(self, predictions: Predictions, threshold: Threshold, min_per_class: int) -> None:
        self.predictions, self.min_per_class = predictions, min_per_class
        self._probabilities = predictions.probabilities
        self._decisions = threshold.decide(predictions)
        self._patients = _in_order(predictions.patients.codes)

    def everyone(self) -> Cell:
        """Returns all images; one of each class is enough here."""
        return self._take(slice(None), "The split", 1)

    def members(self, member: NDArray[np.bool_], where: str) -> Cell:
        """Returns some images.

        Args:
            member: shape ``(n,)``, which ones.
            where: names them in reasons.
        """
        return self._take(member, where, self.min_per_class)

    def _take(self, member: NDArray[np.bool_] | slice, where: str, min_per_class: int) -> Cell:
        return Cell(
            where,
            self.predictions.labels[member],
            self.predictions.scores[member],
            self.predictions.kind,
            self._probabilities[member],
            self._decisions[member],
            self._patients[member],
            min_per_class,
        )


def _in_order(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers patients by their first image, so that neighbours stay neighbours wherever weights are laid out."""
    first = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    rank = np.empty_like(first)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[codes]
