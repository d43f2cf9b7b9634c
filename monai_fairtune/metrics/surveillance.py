"""When is a deviation an alarm? A rule whose false alarms over many windows and quantities are known.

Each quantity is watched in two ways: its deviate in this window, for a sudden change, and Page's cumulative sum of its
deviates, for one that lasts. The sum's p-value comes from draws of windows in which nothing changed; they share the
error of the reference, as the true windows do, which textbook limits leave out. Twice the smaller p-value of both is
the quantity's. Holm's method joins the quantities of a window, and each window has an equal part of ``alpha``. So the
chance of any false alarm within ``horizon`` windows in a row stays below ``alpha``, however quantities and windows
depend on each other, and an alarm that was given stays when later windows come.

Source:
    Page, "Continuous inspection schemes", Biometrika 41 (1954); Lucas, "Combined Shewhart-CUSUM quality control
    schemes", J. Quality Technology 14 (1982); Jensen et al., "Effects of parameter estimation on control chart
    properties: a literature review", J. Quality Technology 38 (2006), on the error of the reference; Feng et al.,
    "Clinical artificial intelligence quality improvement: towards continual monitoring and updating of AI algorithms
    in healthcare", npj Digital Medicine 5 (2022), on such charts for models in use.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics.deviation import Deviation
from monai_fairtune.metrics.gap_test import holm

__all__ = ["Direction", "Judgement", "Surveillance"]

Direction = Literal["lower", "either"]
_Quantity = TypeVar("_Quantity", bound=Hashable)


@dataclass(frozen=True)
class Judgement:
    """What the rule says of one quantity in one window.

    Args:
        z: the deviate in this window.
        cusum: the cumulative sum up to it, of the direction that is farther out.
        p_value: of both, for this quantity alone.
        p_adjusted: for all quantities of the window.
        is_alarm: whether that is below the window's part of ``alpha``.
        kind: ``"sudden"`` where this window alone would tell, ``"lasting"`` where it took the sum.
    """

    z: float
    cusum: float
    p_value: float
    p_adjusted: float
    is_alarm: bool
    kind: Literal["sudden", "lasting"]

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            "z": self.z,
            "cusum": self.cusum,
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
            "alarm": self.is_alarm,
            "kind": self.kind,
        }


@dataclass(frozen=True)
class Surveillance:
    """The rule.

    Args:
        alpha: the largest chance of any false alarm within ``horizon`` windows, in (0, 1).
        horizon: how many windows in a row that is for: 12 months.
        allowance: how much of each deviate the cumulative sum forgives, in standard deviations; half of the change that
            it finds soonest.
        n_draws: of windows in which nothing changed, at least 1000.
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

    @property
    def level(self) -> float:
        """The chance of any false alarm in one window."""
        return self.alpha / self.horizon

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
        names = list(quantities)
        found: dict[_Quantity, list[Judgement | None]] = {name: [] for name in names}
        signs = np.array([-1.0] if direction == "lower" else [-1.0, 1.0])
        sums = np.zeros((len(names), len(signs)))
        chance = _Unchanged(self, len(names))
        for window in range(len(next(iter(quantities.values()), ()))):
            chance.go_on(window)
            given = {k: each for k, name in enumerate(names) if (each := quantities[name][window]) is not None}
            alone: dict[int, tuple[float, float, float]] = {}
            for k, each in given.items():
                z = signs * each.z
                sums[k] = np.maximum(0.0, sums[k] + z - self.allowance)
                tails = norm.sf(z.max()), chance.beyond(k, each.shared, float(sums[k].max()))
                alone[k] = (float(tails[0]), tails[1], min(1.0, 2 * len(signs) * min(tails)))
            adjusted = holm({k: p for k, (_, _, p) in alone.items()})
            for k, name in enumerate(names):
                found[name].append(
                    Judgement(
                        given[k].z,
                        float(sums[k].max()),
                        alone[k][2],
                        adjusted[k],
                        adjusted[k] <= self.level,
                        "sudden" if alone[k][0] <= alone[k][1] else "lasting",
                    )
                    if k in given
                    else None
                )
        return found


class _Unchanged:
    """Cumulative sums of quantities that do not change, drawn along with the windows."""

    def __init__(self, rule: Surveillance, n_quantities: int) -> None:
        self.rule = rule
        self.of_reference = self._draw(0)
        self.of_window = self.of_reference
        self.sums: list[NDArray[np.float32] | float] = [0.0] * n_quantities

    def go_on(self, window: int) -> None:
        """Draws the next window: always the same, whatever quantities there are and windows to come."""
        self.of_window = self._draw(window + 1)

    def beyond(self, k: int, shared: float, observed: float) -> float:
        """Adds this window to the sums of quantity ``k``, and returns how often they reach the observed one."""
        drawn = np.float32(shared**0.5) * self.of_reference + np.float32((1 - shared) ** 0.5) * self.of_window
        drawn += self.sums[k] - np.float32(self.rule.allowance)
        total = self.sums[k] = np.maximum(drawn, 0, out=drawn)
        return (int(np.count_nonzero(total >= observed)) + 1) / (len(total) + 1)

    def _draw(self, key: int) -> NDArray[np.float32]:
        return np.random.default_rng((self.rule.seed, key)).standard_normal(self.rule.n_draws, dtype=np.float32)
