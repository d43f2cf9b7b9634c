"""When is a deviation an alarm? A rule whose false alarms over many windows and quantities are known.

Each quantity is watched in two ways, each with half of its share of ``alpha``: its deviate in this window, for a sudden
change, and Page's cumulative sum of its deviates, for one that lasts. The sum's limit is drawn from courses in which
nothing changed: of those without an alarm so far, fewer cross it in each window than that window's part of ``alpha``
allows. With k of n courses above the limit the next one is above it with chance (k + 1) / n, which is what is spent;
where the draws are too few for that, parts are saved for later windows and the sum has no limit yet. The courses share
the error of the reference, as the true windows do, which textbook limits leave out. Shares add up over quantities and
windows, so the chance of any false alarm within ``horizon`` windows in a row is at most ``alpha``, over the draws,
however quantities depend on each other; and an alarm that was given stays when later windows come.

Source:
    Page, "Continuous inspection schemes", Biometrika 41 (1954); Lucas, "Combined Shewhart-CUSUM quality control
    schemes", J. Quality Technology 14 (1982); Lan and DeMets, "Discrete sequential boundaries for clinical trials",
    Biometrika 70 (1983), on spending ``alpha`` as time goes; Jensen et al., "Effects of parameter estimation on control
    chart properties: a literature review", J. Quality Technology 38 (2006), on the error of the reference; Feng et al.,
    "Clinical artificial intelligence quality improvement: towards continual monitoring and updating of AI algorithms
    in healthcare", npj Digital Medicine 5 (2022), on such charts for models in use.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics.deviation import Deviation

__all__ = ["Direction", "Judgement", "Surveillance"]

Direction = Literal["lower", "either"]
_Quantity = TypeVar("_Quantity", bound=Hashable)


@dataclass(frozen=True)
class Judgement:
    """What the rule says of one quantity in one window.

    Args:
        z: the deviate in this window.
        z_limit: beyond which it is an alarm; where only smaller numbers count, below minus this.
        cusum: the cumulative sum up to this window, in the direction that is farther out.
        cusum_limit: above which it is an alarm; infinite while the draws are too few to tell.
        kind: ``"sudden"`` where this window alone is an alarm, ``"lasting"`` where it took the sum, None without one.
    """

    z: float
    z_limit: float
    cusum: float
    cusum_limit: float
    kind: Literal["sudden", "lasting"] | None

    @property
    def is_alarm(self) -> bool:
        """Whether one of both limits is passed."""
        return self.kind is not None

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report; an infinite limit is None."""
        return {
            "z": self.z,
            "z_limit": self.z_limit,
            "cusum": self.cusum,
            "cusum_limit": self.cusum_limit if math.isfinite(self.cusum_limit) else None,
            "alarm": self.kind,
        }


@dataclass(frozen=True)
class Surveillance:
    """The rule.

    Args:
        alpha: the largest chance of any false alarm within ``horizon`` windows, in (0, 1).
        horizon: how many windows in a row that is for: 12 months.
        allowance: how much of each deviate the cumulative sum forgives, in standard deviations; half of the change that
            it finds soonest.
        n_draws: of courses in which nothing changed, at least 1000; with few, the chance depends on the seed, and sums
            have no limit for long.
        seed: of the draws.

    Raises:
        ConfigurationError: if one of them cannot be used.
    """

    alpha: float = 0.05
    horizon: int = 12
    allowance: float = 0.5
    n_draws: int = 200_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or self.horizon < 1 or self.allowance < 0 or self.n_draws < 1000:
            raise ConfigurationError(
                f"alpha is {self.alpha}, horizon {self.horizon}, allowance {self.allowance}, n_draws {self.n_draws}. "
                "Give alpha between 0 and 1, at least one window, an allowance from 0 on and at least 1000 draws."
            )

    def judge(
        self, quantities: Mapping[_Quantity, Sequence[Deviation | None]], direction: Direction
    ) -> dict[_Quantity, list[Judgement | None]]:
        """Judges one family of quantities, window by window.

        Args:
            quantities: the deviation in each window; None where it is undefined, which leaves the sum as it is.
            direction: ``"lower"`` where only smaller numbers are worse, ``"either"`` where any change counts.

        Returns:
            What is found in each window; None where the deviation is undefined.
        """
        found: dict[_Quantity, list[Judgement | None]] = {name: [] for name in quantities}
        signs = np.array([-1.0] if direction == "lower" else [-1.0, 1.0])
        watched: dict[_Quantity, _Unchanged] = {}
        sums: dict[_Quantity, NDArray[np.float64]] = {}
        of_reference = self._draw(0)
        for window in range(len(next(iter(quantities.values()), ()))):
            given = {name: each for name, row in quantities.items() if (each := row[window]) is not None}
            watched |= {name: _Unchanged(of_reference, self.allowance) for name in given if name not in watched}
            chance = self.alpha / self.horizon / max(len(watched), 1) / len(signs) / 2
            of_window = self._draw(window + 1)
            for name, row in found.items():
                if (each := given.get(name)) is None:
                    row.append(None)
                    continue
                sums[name] = np.maximum(0.0, sums.get(name, 0.0) + signs * each.z - self.allowance)
                z_limit = float(norm.isf(chance))
                cusum, limit = float(sums[name].max()), watched[name].go_on(of_window, each.shared, chance, z_limit)
                alone = (signs * each.z).max() > z_limit
                row.append(
                    Judgement(
                        each.z, z_limit, cusum, limit, "sudden" if alone else "lasting" if cusum > limit else None
                    )
                )
        return found

    def _draw(self, key: int) -> NDArray[np.float32]:
        """Returns standard normal draws: always the same for a window, whatever quantities and windows there are."""
        return np.random.default_rng((self.seed, key)).standard_normal(self.n_draws, dtype=np.float32)


class _Unchanged:
    """Courses of one quantity that does not change, drawn along with the windows."""

    def __init__(self, of_reference: NDArray[np.float32], allowance: float) -> None:
        self.of_reference, self.allowance = of_reference, np.float32(allowance)
        self.sums = np.zeros_like(of_reference)
        self.is_quiet = np.ones(len(of_reference), dtype=np.bool_)
        self.owed = 0.0

    def go_on(self, of_window: NDArray[np.float32], shared: float, chance: float, z_limit: float) -> float:
        """Adds a window, and returns the limit that another course crosses first with what is owed at most."""
        z = np.float32(shared**0.5) * self.of_reference + np.float32((1 - shared) ** 0.5) * of_window
        self.sums = np.maximum(self.sums + z - self.allowance, 0)
        self.is_quiet &= z <= z_limit
        quiet = self.sums[self.is_quiet]
        self.owed += chance * len(z)
        n_spent = min(int(self.owed), len(quiet))
        if n_spent == 0:
            return math.inf
        self.owed -= n_spent
        limit = float(np.partition(quiet, len(quiet) - n_spent)[len(quiet) - n_spent])  # n_spent - 1 are above it
        self.is_quiet &= self.sums <= limit
        return limit
