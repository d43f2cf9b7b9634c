"""Cross-entropy and squared error of probabilities, as means over samples."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.metrics.samples import checked

__all__ = ["brier_score", "log_loss"]


def log_loss(labels: ArrayLike, scores: ArrayLike, *, kind: Literal["probability", "logit"]) -> float:
    """Returns the mean cross-entropy over the samples, in nats; smaller is better.

    It is a mean over samples, never over batches, so that a subgroup's size does not enter. Logits are used as they
    are: no probability is formed that could saturate. Nothing is clipped: a probability of exactly 0 or 1 on the
    wrong side has an infinite loss, and is refused.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        scores: shape ``(n,)``, probabilities of class 1 or log-odds, as ``kind`` says.
        kind: ``"probability"`` or ``"logit"``.

    Raises:
        UndefinedMetricError: if there are no samples, or the loss is infinite.
        ConfigurationError: if ``kind`` is neither.
        PredictionsError: if the shapes differ.

    Example:
        >>> log_loss([1, 1], [100.0, -100.0], kind="logit")
        50.0
    """
    truth, values = _checked(labels, scores, "Log loss")
    if kind == "logit":
        return float(np.logaddexp(0.0, np.where(truth, -values, values)).mean())
    if kind != "probability":
        raise ConfigurationError(f"Scores are declared as {kind!r}. Declare them as 'probability' or 'logit'.")
    n_infinite = int(np.count_nonzero(values == np.where(truth, 0.0, 1.0)))
    if n_infinite:
        raise UndefinedMetricError(
            f"Log loss is infinite: {n_infinite} of {truth.size} samples have a probability of 0 for their own label. "
            "Give logits, which do not saturate."
        )
    return float(-(np.log(values[truth]).sum() + np.log1p(-values[~truth]).sum()) / truth.size)


def brier_score(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the mean squared difference of probability and label, in [0, 1]; smaller is better.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        probabilities: shape ``(n,)``, of class 1.

    Raises:
        UndefinedMetricError: if there are no samples.
        PredictionsError: if the shapes differ.

    Example:
        >>> brier_score([0, 1], [0.5, 1.0])
        0.125

    Source:
        Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
    """
    truth, values = _checked(labels, probabilities, "The Brier score")
    return float(np.square(values - truth).mean())


def _checked(labels: ArrayLike, values: ArrayLike, name: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth, numbers = checked(labels, values)
    if truth.size == 0:
        raise UndefinedMetricError(f"{name} is undefined: there are no samples. Merge with another subgroup.")
    return truth, numbers
