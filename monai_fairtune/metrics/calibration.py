"""How far probabilities are from frequencies."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.metrics.samples import checked

__all__ = ["ece_bins", "expected_calibration_error"]


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 15) -> float:
    """Returns the expected calibration error in [0, 1]; smaller is better, and small subgroups score too high.

    The probabilities of class 1 fall into equal-width bins, open below and closed above (0 joins the first). The
    error is the mean over samples of the distance between a bin's mean probability and its share of positives. A
    perfectly calibrated model still scores above 0, the more so the fewer the samples: compare subgroups of one size.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        probabilities: shape ``(n,)``, of class 1, in [0, 1].
        n_bins: how many bins.

    Raises:
        UndefinedMetricError: if there are no samples.
        PredictionsError: if the shapes differ.

    Example:
        >>> round(expected_calibration_error([0, 1, 1, 1], [0.8, 0.8, 0.8, 0.8]), 12)
        0.05

    Source:
        Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015;
        15 bins as in Guo et al., "On calibration of modern neural networks", ICML 2017, here on the positive class.
    """
    truth, values = checked(labels, probabilities, "probabilities")
    if truth.size == 0:
        raise UndefinedMetricError(
            "The expected calibration error is undefined: there are no samples. Merge with another subgroup."
        )
    bins = ece_bins(values, n_bins)
    excess = np.bincount(bins, weights=values - truth, minlength=n_bins)
    return float(np.abs(excess).sum() / truth.size)


def ece_bins(probabilities: NDArray[np.float64], n_bins: int) -> NDArray[np.intp]:
    """Returns the bin of each probability: equal widths, open below and closed above, 0 in the first."""
    return np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], probabilities, side="left")
