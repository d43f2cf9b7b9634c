"""Intervals for the worst subgroup and for the largest difference between subgroups.

The smallest of several observed values is too small, the largest difference too large, and the more subgroups tie, the
more so: the bootstrap inherits that bias and its intervals miss. Here the interval is put together from those of the
subgroups. The largest true value is at most the largest upper limit, with the error of a single limit. It is at least
the largest lower limit, if the limits hold together for all subgroups that might be the largest; those that the data
rule out need no such allowance.

Where subgroups tie, or are clearly apart, such an interval holds the truth as often as it says. In between the data
leave open which one is the extreme; the allowance is then made though it is not needed, and the interval is too wide.
Which of the three it is cannot be known from the data, so it is told beside the number.

Source:
    Chernozhukov, Lee and Rosen, "Intersection bounds: estimation and inference", Econometrica 81 (2013) for bounds on
    a largest value and the choice of the terms that matter; Zou and Donner, "Construction of confidence limits about
    effect measures", Stat. Med. 27 (2008) for the limits of a difference from those of its parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from monai_fairtune.metrics.estimate import Estimate

__all__ = [
    "OPEN_CAUTION",
    "ExtremeInterval",
    "difference_interval",
    "difference_limits",
    "largest_interval",
    "largest_interval_of",
    "ordered_limits",
    "ratio_interval",
    "smallest_interval",
]

OPEN_CAUTION = (
    "The data leave open which subgroup is the extreme one. If subgroups differ only a little, this interval is wider "
    "than 95 % confidence needs."
)
"""What stands beside an interval that is open."""
_SHARED_ALPHA = 0.035
_SINGLE_ALPHA = 0.025
_RULED_OUT = 0.05
_N_DRAWS = 4000


class ExtremeInterval(NamedTuple):
    """A 95 % interval for the largest or smallest of several true values.

    Args:
        low: the lower limit.
        high: the upper limit.
        is_open: whether the data leave open which of the values it is.
    """

    low: float
    high: float
    is_open: bool

    @property
    def caution(self) -> str | None:
        """What to know before relying on it."""
        return OPEN_CAUTION if self.is_open else None


Limits = Callable[[float], tuple[NDArray[np.float64], NDArray[np.float64]]]


def _draws(n_sources: int) -> NDArray[np.float64]:
    """Returns standard normal draws and their mirror images: shape ``(4000, n_sources)``, always the same."""
    half = np.random.default_rng(0).standard_normal((_N_DRAWS // 2, n_sources))
    return np.concatenate([half, -half])


def smallest_interval(estimates: Sequence[Estimate]) -> ExtremeInterval:
    """Returns a 95 % interval for the smallest of several true values.

    Args:
        estimates: of subgroups that share no patients.
    """
    found = largest_interval(np.eye(len(estimates)), lambda alpha: _negated(estimates, alpha))
    return ExtremeInterval(-found.high, -found.low, found.is_open)


def largest_interval_of(estimates: Sequence[Estimate]) -> ExtremeInterval:
    """Returns a 95 % interval for the largest of several true values; arguments as above."""

    def limits(alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        found = np.array([estimate.limits(alpha) for estimate in estimates])
        return found[:, 0], found[:, 1]

    return largest_interval(np.eye(len(estimates)), limits)


def ratio_interval(*families: Sequence[Estimate]) -> ExtremeInterval:
    """Returns a 95 % interval for the smallest ratio of two subgroups' rates, over one measure or several.

    It is the largest difference of the logarithms. Where a rate is 0, so is the ratio; its upper limit is then that
    rate's over the largest lower limit.

    Args:
        families: as for ``difference_interval``.
    """
    if any(estimate.value <= 0 for family in families for estimate in family):
        return ExtremeInterval(0.0, min(_ratio_from_zero(family) for family in families), True)
    found = difference_interval(*([_Logarithm.of(estimate) for estimate in family] for family in families))
    return ExtremeInterval(math.exp(-found.high), math.exp(-found.low), found.is_open)


@dataclass(frozen=True)
class _Logarithm(Estimate):
    base: Estimate

    @classmethod
    def of(cls, base: Estimate) -> _Logarithm:
        return cls(math.log(base.value), base.error / base.value, base.n_patients, base)

    def limits(self, alpha: float) -> tuple[float, float]:
        low, high = self.base.limits(alpha)
        return math.log(max(low, 1e-300)), math.log(max(high, 1e-300))


def _ratio_from_zero(family: Sequence[Estimate]) -> float:
    limits = [estimate.limits(_SINGLE_ALPHA) for estimate in family]
    largest = max(low for low, _ in limits)
    return min(1.0, min(high for _, high in limits) / largest) if largest > 0 else 1.0


def difference_interval(*families: Sequence[Estimate]) -> ExtremeInterval:
    """Returns a 95 % interval for the largest difference between two subgroups, over one measure or several.

    Equalized odds are two families: true and false positive rates.

    Args:
        families: estimates of the same subgroups, one sequence a measure.

    Returns:
        The limits; neither is below 0.
    """
    loadings = [_loadings(family) for family in families]
    width = sum(block.shape[1] for block in loadings)
    placed, start = [], 0
    for block in loadings:
        placed.append(np.pad(block, ((0, 0), (start, width - start - block.shape[1]))))
        start += block.shape[1]

    def limits(alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        parts = [ordered_limits(family, alpha) for family in families]
        return np.concatenate([low for low, _ in parts]), np.concatenate([high for _, high in parts])

    found = largest_interval(np.concatenate(placed), limits)
    return ExtremeInterval(max(found.low, 0.0), max(found.high, 0.0), found.is_open)


def ordered_limits(estimates: Sequence[Estimate], alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the limits of every difference of two subgroups, in the order of ``itertools.permutations``."""
    single = [(estimate.value, *estimate.limits(alpha)) for estimate in estimates]
    found = [difference_limits(a, b) for a, b in permutations(single, 2)]
    return np.array([low for low, _ in found]), np.array([high for _, high in found])


def largest_interval(loadings: NDArray[np.float64], limits: Limits) -> ExtremeInterval:
    """Returns a 95 % interval for the largest of several true values.

    Args:
        loadings: shape ``(n_values, n_sources)``: how the standardised errors of the values come from independent
            standard normal sources; rows of length 1.
        limits: from the error probability of one limit to all lower and all upper limits.
    """
    low, high = limits(_RULED_OUT)
    possible = high >= low.max()
    highest = (_draws(loadings.shape[1]) @ loadings[possible].T).max(axis=1)
    together = float(ndtr(-np.quantile(highest, 1 - _SHARED_ALPHA)))
    lowest, largest = limits(together)[0].max(), limits(_SINGLE_ALPHA)[1][possible].max()
    return ExtremeInterval(float(lowest), float(largest), bool(np.count_nonzero(possible) > 1))


def _negated(estimates: Sequence[Estimate], alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found = [estimate.limits(alpha) for estimate in estimates]
    return np.array([-high for _, high in found]), np.array([-low for low, _ in found])


def difference_limits(
    a: tuple[float, float, float], b: tuple[float, float, float], correlation: float = 0.0
) -> tuple[float, float]:
    """Returns the limits of ``a`` minus ``b``, each given with its own limits.

    Args:
        a: number, lower and upper limit.
        b: likewise.
        correlation: of the two estimates.
    """
    (x, x_low, x_high), (y, y_low, y_high) = a, b
    return (
        x - y - _reach(x - x_low, y_high - y, correlation),
        x - y + _reach(x_high - x, y - y_low, correlation),
    )


def _reach(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))


def _loadings(estimates: Sequence[Estimate]) -> NDArray[np.float64]:
    widths = [np.subtract(*estimate.limits(_RULED_OUT)[::-1]) for estimate in estimates]
    rows = np.zeros((len(widths) * (len(widths) - 1), len(widths)))
    for row, (i, j) in enumerate(permutations(range(len(widths)), 2)):
        length = math.hypot(widths[i], widths[j]) or 1.0
        rows[row, i], rows[row, j] = widths[i] / length, -widths[j] / length
    return rows
