"""From a number and its standard error to a confidence interval that stays where the number can lie."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

from scipy.special import expit, logit, stdtrit

from monai_fairtune.subgroups import crossing

__all__ = [
    "AUROCEstimate",
    "BoundedEstimate",
    "Estimate",
    "LogEstimate",
    "RateEstimate",
    "RealEstimate",
    "ScaledEstimate",
]

_NEAR = 1e-9
_PRIOR = 5
"""How many patients the formula of an AUROC's variance counts for, beside those of the smaller class."""


@dataclass(frozen=True)
class Estimate(ABC):
    """A number with a standard error; ``limits`` turns both into an interval.

    Args:
        value: the number.
        error: its standard error, from replicates that draw patients or from DeLong.
        n_patients: how many patients it rests on, of an AUROC those of the smaller class; small numbers widen the
            interval by Student's t.
    """

    value: float
    error: float
    n_patients: int

    @abstractmethod
    def limits(self, alpha: float) -> tuple[float, float]:
        """Returns the lower and upper limit, each of which errs with probability ``alpha``."""

    def factor(self, alpha: float) -> float:
        """Returns by how many standard errors a limit lies off: Student's quantile."""
        return -float(stdtrit(max(self.n_patients - 1, 1), alpha))


@dataclass(frozen=True)
class RealEstimate(Estimate):
    """A number that can lie anywhere, such as a calibration slope."""

    def limits(self, alpha: float) -> tuple[float, float]:
        """See the base class."""
        reach = self.factor(alpha) * self.error
        return self.value - reach, self.value + reach


@dataclass(frozen=True)
class BoundedEstimate(Estimate):
    """A number in [0, 1], such as a mean of AUROCs: the interval is symmetric in its log-odds."""

    def limits(self, alpha: float) -> tuple[float, float]:
        """See the base class."""
        p = min(max(self.value, _NEAR), 1 - _NEAR)
        if self.error == 0:
            return self.value, self.value
        reach = self.factor(alpha) * self.error / (p * (1 - p))
        return float(expit(logit(p) - reach)), float(expit(logit(p) + reach))


@dataclass(frozen=True)
class LogEstimate(Estimate):
    """A positive number, such as a loss: the interval is symmetric in its logarithm."""

    def limits(self, alpha: float) -> tuple[float, float]:
        """See the base class."""
        if self.value <= 0:
            return self.value, self.value
        reach = math.exp(self.factor(alpha) * self.error / self.value)
        return self.value / reach, self.value * reach


@dataclass(frozen=True)
class RateEstimate(Estimate):
    """A share of ``n`` images: Wilson's interval with the effective number of images that the error implies.

    Where all or none count, the replicates do not vary; then each patient counts as one image.

    Args:
        n: images that the share is taken of.
        n_units: patients that those images come from.

    Source:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); effective
        sample sizes in it: Dean and Pagano, "Evaluating confidence interval methods for binomial proportions in
        clustered surveys", J. Survey Stat. Methodol. 3 (2015).
    """

    n: int
    n_units: int

    def limits(self, alpha: float) -> tuple[float, float]:
        """See the base class."""
        p = self.value
        n = min(p * (1 - p) / self.error**2, self.n) if self.error > 0 and 0 < p < 1 else self.n_units
        z = self.factor(alpha)
        centre = p + z**2 / (2 * n)
        reach = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        low, high = (centre - reach) / (1 + z**2 / n), (centre + reach) / (1 + z**2 / n)
        return max(min(low, p), 0.0), min(max(high, p), 1.0)  # of 0 and 1 they would miss by the last digit


@dataclass(frozen=True)
class ScaledEstimate(Estimate):
    """Another estimate in another unit, such as a share as a number per 1000.

    Args:
        base: the estimate.
        scale: how much of the new unit 1 is.
    """

    base: Estimate
    scale: float

    def limits(self, alpha: float) -> tuple[float, float]:
        """See the base class."""
        low, high = self.base.limits(alpha)
        return low * self.scale, high * self.scale


@dataclass(frozen=True)
class MeanEstimate(Estimate):
    """The mean of two estimates of different images, such as balanced accuracy: the limits of both are put together.

    One class may hold a few images only: then it is that class which says how far the mean can be off.

    Args:
        one: the first estimate.
        other: the second estimate.

    Source:
        Zou and Donner, "Construction of confidence limits about effect measures", Stat. Med. 27 (2008).
    """

    one: Estimate
    other: Estimate

    def limits(self, alpha: float) -> tuple[float, float]:
        """See the base class."""
        (low, high), (lowest, highest) = self.one.limits(alpha), self.other.limits(alpha)
        return (
            self.value - math.hypot(self.one.value - low, self.other.value - lowest) / 2,
            self.value + math.hypot(high - self.one.value, highest - self.other.value) / 2,
        )


@dataclass(frozen=True)
class AUROCEstimate(Estimate):
    """An AUROC: those true values that the observed one does not contradict.

    The variance changes with the true value as Hanley and McNeil's formula says, scaled so that it is the estimated
    one at the observed value. From few patients that estimate is often far too small; the formula itself, halfway
    between independent images and images that repeat their patient, steadies it with the weight of five patients.
    Where all pairs are ranked right, or none, the images' variance is estimated as 0; then the formula is taken alone.

    Args:
        n_positive: positive images.
        n_negative: negative images.
        n_units_positive: patients of the positive images.
        n_units_negative: patients of the negative images.

    Source:
        Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2",
        Stat. Med. 25 (2006), method 5; the scaling is ours, as with effective sample sizes of rates.
    """

    n_positive: int
    n_negative: int
    n_units_positive: int
    n_units_negative: int

    def limits(self, alpha: float) -> tuple[float, float]:
        """See the base class."""
        z = self.factor(alpha)

        def excess(true: float) -> float:
            return abs(self.value - true) - z * self.error_at(true)

        inside = min(max(self.value, _NEAR), 1 - _NEAR)
        low = crossing(excess, 0.0, inside) if self.value > _NEAR else 0.0
        high = crossing(excess, inside, 1.0) if self.value < 1 - _NEAR else 1.0
        return low, high

    def error_at(self, true: float) -> float:
        """Returns the standard error that an estimate from these images would have, were ``true`` the true value."""
        m, n, scale = self._sizes_and_scale
        return math.sqrt(scale * _variance(true, m, n))

    @cached_property
    def _sizes_and_scale(self) -> tuple[int, int, float]:
        if self.error == 0 or not 0 < self.value < 1:
            return self.n_units_positive, self.n_units_negative, 1.0
        model = _variance(self.value, self.n_positive, self.n_negative)
        expected = (1 + _variance(self.value, self.n_units_positive, self.n_units_negative) / model) / 2
        n = min(self.n_units_positive, self.n_units_negative)
        return self.n_positive, self.n_negative, (n * self.error**2 / model + _PRIOR * expected) / (n + _PRIOR)


def _variance(true: float, m: int, n: int) -> float:
    """Hanley and McNeil's variance of an AUROC, with the mean class size for both, as Newcombe's method 5."""
    size = (m + n) / 2 - 1
    return true * (1 - true) * (1 + size * ((1 - true) / (2 - true) + true / (1 + true))) / (m * n)
