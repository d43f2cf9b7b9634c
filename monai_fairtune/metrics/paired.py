"""The difference of one measure between two models on the same images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from monai_fairtune.metrics.comparison import PairedDifference
from monai_fairtune.metrics.extremes import difference_limits
from monai_fairtune.metrics.measured import ALPHA, MOST_UNDEFINED, Measured, with_interval
from monai_fairtune.metrics.value import Value

__all__ = ["paired_difference", "paired_extreme"]

_EXTREME_CAUTION = "Which subgroup is worst may differ between replicates; where subgroups tie, this is approximate."


def paired_difference(a: Measured, b: Measured, name: str) -> PairedDifference:
    """Compares one measure of one set of images.

    The p-value of an AUROC is that of DeLong's test where every image is of another patient; all others are of the
    difference over its standard error in the replicates.

    Args:
        a: of the first model.
        b: of the second model, in the same draws.
        name: of the measure.
    """
    values = a.values[name], b.values[name]
    difference = Value.of(lambda: values[0].require() - values[1].require())
    estimates = a.estimates.get(name), b.estimates.get(name)
    if difference.value is None or estimates[0] is None or estimates[1] is None:
        return PairedDifference(*values, with_interval(difference, None, "mover"), None)
    exact = name == "auroc" and len(a.cell) == a.cell.n_patients
    covariance = _delong(a, b) if exact else _replicated(a, b, name)
    parts = [(estimate.value, *estimate.limits(ALPHA)) for estimate in estimates if estimate is not None]
    limits = difference_limits(parts[0], parts[1], _correlation(covariance))
    error = math.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0))
    degrees = math.inf if exact else estimates[0].n_patients - 1
    undefined = float(np.isnan(a.replicates[name] + b.replicates[name]).mean())
    return PairedDifference(
        *values, with_interval(difference, limits, "mover", undefined), _p_value(difference.value, error, degrees)
    )


def paired_extreme(
    a: Sequence[Measured],
    b: Sequence[Measured],
    values: tuple[Value, Value],
    names: Sequence[str],
    choose: Callable[[Sequence[NDArray[np.float64]]], NDArray[np.float64]],
) -> PairedDifference:
    """Compares a value that takes all subgroups.

    Args:
        a: the subgroups under the first model.
        b: the subgroups under the second model, in the same draws.
        values: of the two models.
        names: of the measures that ``choose`` takes.
        choose: takes each measure's replicates ``(r, n_subgroups)``; returns the value's ``(r,)``.
    """
    difference = Value.of(lambda: values[0].require() - values[1].require())
    if difference.value is None:
        return PairedDifference(*values, difference, None)
    drawn = [
        choose([np.stack([measured.replicates[name] for measured in side], axis=1) for name in names])
        for side in (a, b)
    ]
    moved = drawn[0] - drawn[1]
    known, share = moved[~np.isnan(moved)], float(np.isnan(moved).mean())
    if share > MOST_UNDEFINED:
        return PairedDifference(*values, with_interval(difference, None, "percentile", share), None)
    low, high = np.quantile(known, [ALPHA, 1 - ALPHA])
    tail = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return PairedDifference(
        *values,
        with_interval(difference, (low, high), "percentile", share, _EXTREME_CAUTION),
        min(1.0, 2 * (tail + 1) / (len(known) + 1)),
    )


def _delong(a: Measured, b: Measured) -> NDArray[np.float64]:
    one, other = a.cell.placements, b.cell.placements
    return np.array([[one.covariance(), one.covariance(other)], [one.covariance(other), other.covariance()]])


def _replicated(a: Measured, b: Measured, name: str) -> NDArray[np.float64]:
    both = np.stack([a.replicates[name], b.replicates[name]])
    n = a.cell.n_patients
    return np.cov(both[:, ~np.isnan(both).any(axis=0)]) * n / max(n - 1, 1)


def _correlation(covariance: NDArray[np.float64]) -> float:
    scale = math.sqrt(covariance[0, 0] * covariance[1, 1])
    return float(np.clip(covariance[0, 1] / scale, -1.0, 1.0)) if scale > 0 else 0.0


def _p_value(difference: float, error: float, degrees: float) -> float | None:
    if error == 0:
        return 1.0 if difference == 0 else None
    return float(2 * stdtr(max(degrees, 1), -abs(difference) / error))
