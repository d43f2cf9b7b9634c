"""Calibration intercept and slope: is the risk right on average, and is it spread too far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.metrics.samples import checked

__all__ = ["CalibrationFit", "calibration_intercept", "calibration_line", "calibration_slope"]

_STEPS = 50


def calibration_intercept(labels: ArrayLike, logits: ArrayLike) -> float:
    """Returns by how much all log-odds would have to be raised for the mean risk to be right; 0 is best.

    Above 0 the model says too little risk, below 0 too much. The slope is held at 1: calibration in the large.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        logits: shape ``(n,)``, the log-odds of class 1, finite.

    Raises:
        UndefinedMetricError: if a class is absent.
        PredictionsError: if the shapes differ or a logit is not finite.

    Example:
        >>> round(calibration_intercept([0, 1, 1, 1], [0.0, 0.0, 0.0, 0.0]), 6) == round(float(np.log(3)), 6)
        True

    Source:
        Van Calster et al., "Calibration: the Achilles heel of predictive analytics", BMC Medicine 17 (2019).
    """
    truth, numbers = _both_classes(labels, logits, "intercept")
    intercept = 0.0
    for _ in range(_STEPS):
        risk = expit(numbers + intercept)
        step = float((truth - risk).sum() / max(float((risk * (1 - risk)).sum()), 1e-300))
        intercept += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-12:
            return intercept
    raise UndefinedMetricError(_unstable("intercept", truth))


def calibration_slope(labels: ArrayLike, logits: ArrayLike) -> float:
    """Returns the slope of the labels' log-odds on the model's; 1 is best.

    Below 1 the risks are too extreme, as after overfitting; above 1 they are too timid.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        logits: shape ``(n,)``, the log-odds of class 1, finite.

    Raises:
        UndefinedMetricError: if a class is absent, all logits are equal, or the logits separate the classes.
        PredictionsError: if the shapes differ or a logit is not finite.

    Source:
        Cox, "Two further applications of a model for binary regression", Biometrika 45 (1958).
    """
    return calibration_line(labels, logits)[1]


def calibration_line(labels: ArrayLike, logits: ArrayLike) -> tuple[float, float]:
    """Returns the intercept and the slope of the labels' log-odds on the model's; see ``calibration_slope``."""
    truth, numbers = _both_classes(labels, logits, "slope")
    low, high = numbers[truth == 0], numbers[truth == 1]
    if low.max() <= high.min() or high.max() <= low.min():  # the best slope is infinite, or any
        raise UndefinedMetricError(_unstable("slope", truth))
    return _fit(truth, numbers)


@dataclass(frozen=True)
class CalibrationFit:
    """Both fits, and how single images pull on them: for replicates, each of which then needs sums only.

    One Newton step from the fit to all images leads to the fit of a replicate, up to terms that vanish faster than
    the standard error.

    Args:
        intercept: with slope 1.
        slope: with a free intercept.
        terms: shape ``(7, n)``: residual and weight of the first fit; residual, residual times logit, weight, weight
            times logit and weight times squared logit of the second.

    Source:
        Davidson and MacKinnon, "Bootstrap testing in nonlinear models", International Economic Review 40 (1999).
    """

    intercept: float
    slope: float
    terms: NDArray[np.float64]

    @classmethod
    def of(
        cls, labels: NDArray[np.int64], logits: NDArray[np.float64], intercept: float, line: tuple[float, float]
    ) -> CalibrationFit:
        """Takes what the functions above found."""
        first, second = expit(logits + intercept), expit(line[0] + line[1] * logits)
        residual, weight = labels - second, second * (1 - second)
        columns = (
            *(labels - first, first * (1 - first)),
            *(residual, residual * logits, weight, weight * logits, weight * logits**2),
        )
        return cls(intercept, line[1], np.stack(columns))

    def replicate(self, sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the intercepts and the slopes of replicates from sums of the terms ``(r, 7)``."""
        first, first_weight, residual, cross, weight, mean, square = sums.T
        with np.errstate(divide="ignore", invalid="ignore"):
            intercepts = self.intercept + first / first_weight
            slopes = self.slope + (weight * cross - mean * residual) / (weight * square - mean**2)
        return intercepts, slopes


def _fit(truth: NDArray[np.float64], logits: NDArray[np.float64]) -> tuple[float, float]:
    """Returns intercept and slope of a logistic regression, by damped Newton steps."""
    fit = np.array([0.0, 1.0])
    best = _log_likelihood(logits, truth)
    for _ in range(_STEPS):
        risk = expit(_line(fit, logits))
        residual, weight = truth - risk, risk * (1 - risk)
        cross = float(weight @ logits)
        information = np.array([[weight.sum(), cross], [cross, float(weight * logits @ logits)]])
        if np.linalg.cond(information) > 1e14:
            break
        step = np.linalg.solve(information, [residual.sum(), residual @ logits])
        while (found := _log_likelihood(_line(fit + step, logits), truth)) < best - 1e-9 * abs(best):
            step /= 2
        fit, best = fit + step, found
        if np.abs(step).max() < 1e-10 * (1 + np.abs(fit).max()):
            return float(fit[0]), float(fit[1])
    raise UndefinedMetricError(_unstable("slope", truth))


def _line(fit: NDArray[np.float64], logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(fit[0] + fit[1] * logits)


def _log_likelihood(logits: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return -float(np.logaddexp(0.0, np.where(truth == 1, -logits, logits)).sum())


def _both_classes(labels: ArrayLike, logits: ArrayLike, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    given = np.asarray(logits, dtype=np.float64)
    n_infinite = int(np.isinf(given).sum())
    if n_infinite:
        raise UndefinedMetricError(
            f"The calibration {name} is undefined: {n_infinite} of {given.size} probabilities are exactly 0 or 1. "
            "Give logits, which do not saturate."
        )
    truth, numbers = checked(labels, given, "logits")
    n_positive = int(np.count_nonzero(truth))
    if n_positive in (0, truth.size):
        raise UndefinedMetricError(
            f"The calibration {name} is undefined for {n_positive} positive and {truth.size - n_positive} negative "
            "samples. Merge with another subgroup, or draw the split to hold both classes."
        )
    return truth.astype(np.float64), numbers


def _unstable(name: str, truth: NDArray[np.float64]) -> str:
    return (
        f"The calibration {name} is undefined: the logits of these {truth.size} samples separate the classes, are all "
        "equal, or are too extreme. Merge with another subgroup, or look at the scores."
    )
