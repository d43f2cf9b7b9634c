"""How much of a value is the training's seed, and what follows for choosing among masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.metrics import Value

__all__ = ["SeedNoise", "shrunken_estimates"]

_FEWEST_DEGREES = 2
_LEAST_RATIO = 1e-6
_LEVEL = 0.05


@dataclass(frozen=True)
class SeedNoise:
    """One objective's values, a group for each mask and learning rate, and one value a seed.

    The model is one of random effects: a value is the mask's true value plus noise, both normal, and the noise is
    as large for every mask. With few repeats this cannot be checked.

    Args:
        groups: values of complete trainings, in the order in which they were trained; none empty.
        chosen_by_first: whether masks were trained again because their first value was good. Such a value is lucky
            more often than not, which makes the noise look larger than it is, the more so the less masks differ. If
            so, first values do not enter the noise.

    Raises:
        UndefinedMetricError: if there are no groups, or one is empty or not finite.

    Example:
        >>> noise = SeedNoise([[0.80, 0.82], [0.70, 0.72], [0.75]])
        >>> round(noise.between_masks.require(), 3), noise.degrees_of_freedom
        (0.055, 2)
        >>> [round(value, 3) for value in noise.estimates]
        [0.808, 0.711, 0.75]
    """

    groups: Sequence[Sequence[float]]
    chosen_by_first: bool = False

    def __post_init__(self) -> None:
        if not self.groups or not all(len(group) and np.isfinite(group).all() for group in self.groups):
            raise UndefinedMetricError(
                f"Seed noise was asked of {len(self.groups)} groups, and each must hold finite values. "
                "Give one group a mask, with the values of its complete trainings."
            )

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """The mean of each group."""
        return np.array([np.mean(group) for group in self.groups], dtype=np.float64)

    @cached_property
    def n_values(self) -> NDArray[np.int64]:
        """How many values each group holds."""
        return np.array([len(group) for group in self.groups], dtype=np.int64)

    @property
    def degrees_of_freedom(self) -> int:
        """Of the noise: values that are left once each group has its mean."""
        return sum(len(group) - 1 for group in self._noisy_groups)

    @cached_property
    def between_seeds(self) -> Value:
        """Standard deviation between seeds of one mask, pooled over masks, with its chi-square interval.

        Undefined with fewer than 2 degrees of freedom.
        """
        degrees = self.degrees_of_freedom
        if degrees < _FEWEST_DEGREES:
            least = "three" if self.chosen_by_first else "two"
            return Value(
                None,
                f"masks with at least {least} values leave {degrees} degrees of freedom, and "
                f"{_FEWEST_DEGREES} are needed",
                extra={"degrees_of_freedom": degrees},
            )
        squares = sum(float(np.sum((np.array(group) - np.mean(group)) ** 2)) for group in self._noisy_groups)
        low, high = np.sqrt(squares / stats.chi2.ppf([1 - _LEVEL / 2, _LEVEL / 2], degrees))
        return Value((squares / degrees) ** 0.5, low=low, high=high, extra={"degrees_of_freedom": degrees})

    @cached_property
    def between_masks(self) -> Value:
        """Standard deviation between the masks' true values, by the method of moments; 0 where noise explains all.

        Undefined with fewer than two masks, or where the noise is.
        """
        if self.between_seeds.value is None or len(self.groups) < 2:
            reason = self.between_seeds.reason or "there is one mask, and two are needed"
            return Value(None, reason)
        n, total = self.n_values, int(self.n_values.sum())
        grand_mean = float(n @ self.means) / total
        mean_square = float(n @ (self.means - grand_mean) ** 2) / (len(n) - 1)
        usual_size = (total - float(n @ n) / total) / (len(n) - 1)
        return Value(max(0.0, (mean_square - self.between_seeds.value**2) / usual_size) ** 0.5)

    @cached_property
    def estimates(self) -> list[float]:
        """Each mask's true value, estimated: its mean, drawn towards that of all masks by how noisy it is.

        Empirical Bayes: grand mean plus reliability times deviation (Efron & Morris, 1975). It takes the luck out of
        the best of many values, on average. Where the noise is undefined, these are the means.
        """
        if self.between_masks.value is None or self.between_seeds.value is None:
            return [float(mean) for mean in self.means]
        noise = self.between_seeds.value**2
        # Where noise explains all, every estimate would be the grand mean; this keeps the order that they approach.
        signal = max(self.between_masks.value**2, _LEAST_RATIO * noise)
        if signal == 0.0:  # all values are equal
            return [float(mean) for mean in self.means]
        precision = 1 / (signal + noise / self.n_values)
        grand_mean = float(precision @ self.means / precision.sum())
        return [float(value) for value in grand_mean + signal * precision * (self.means - grand_mean)]

    def optimism(self, direction: Literal["minimize", "maximize"]) -> Value:
        """Returns by how much the best mean is expected to be too good, given that it is the best: at least 0.

        Undefined where the noise is.
        """
        if self.between_masks.value is None:
            return Value(None, self.between_masks.reason)
        sign = 1.0 if direction == "maximize" else -1.0
        best = int(np.argmax(sign * self.means))
        return Value(max(0.0, sign * (float(self.means[best]) - self.estimates[best])))

    def not_told_apart(self, best: int, others: Sequence[int]) -> list[int]:
        """Returns those of ``others`` whose mean does not differ from the best one's by more than noise explains.

        Tukey and Kramer's test with the pooled noise: since the best was chosen by its value, the chance of telling
        any two equal masks apart is 0.05 over all pairs, not over those with the best alone. With few degrees of
        freedom it needs far smaller differences than Bonferroni's or Holm's correction over the pairs.

        Args:
            best: position of a group.
            others: positions of other groups.

        Raises:
            UndefinedMetricError: with the reason, if the noise is undefined.
        """
        noise = self.between_seeds.require()
        if not others:
            return []
        limit = _largest_range(len(others) + 1, self.degrees_of_freedom)

        def is_alike(other: int) -> bool:
            error = noise * ((1 / self.n_values[best] + 1 / self.n_values[other]) / 2) ** 0.5
            return bool(abs(self.means[best] - self.means[other]) <= limit * error)

        return [other for other in others if is_alike(other)]

    def to_dict(self, direction: Literal["minimize", "maximize"]) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            "n_masks": len(self.groups),
            "n_values": int(self.n_values.sum()),
            "between_seeds": self.between_seeds.to_dict(),
            "between_masks": self.between_masks.to_dict(),
            "optimism": self.optimism(direction).to_dict(),
        }

    @property
    def _noisy_groups(self) -> list[Sequence[float]]:
        used = [group[1:] if self.chosen_by_first else group for group in self.groups]
        return [group for group in used if len(group) > 0]


def shrunken_estimates(groups: Sequence[Sequence[float]]) -> list[float]:
    """Returns each mask's estimated true value, as :attr:`SeedNoise.estimates`; an empty list for no groups.

    Example:
        >>> [round(value, 2) for value in shrunken_estimates([[0.80], [0.70, 0.60, 0.62]])]
        [0.78, 0.65]
    """
    return SeedNoise(groups).estimates if groups else []


@cache  # a tenth of a second each
def _largest_range(n_masks: int, degrees_of_freedom: int) -> float:
    """Returns how many standard errors equal masks span at most in 95 of 100 studies."""
    return float(stats.studentized_range.ppf(1 - _LEVEL, n_masks, degrees_of_freedom))
