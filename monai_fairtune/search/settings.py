"""What a search may do, and what it optimises."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["SearchSettings"]

_BUDGET = frozenset({"n_trials", "n_finalists", "n_seeds", "n_replicates", "timeout"})


@dataclass(frozen=True)
class SearchSettings:
    """The choices of a search. All but the budget are part of the study's fingerprint.

    Args:
        n_trials: trainings on the validation split, anchors included; at least 1.
        max_epochs: of every training.
        seed: every trial's seed derives from it, the mask and the replicate.
        learning_rates: lowest and highest learning rate searched, on a log scale (paper: 1e-5 to 1e-3).
        anchor_learning_rate: the anchors'; by default the geometric mean of ``learning_rates``.
        utility_floor: lowest overall validation AUROC that a mask may have; by default the best anchor's, minus
            ``utility_margin``.
        utility_margin: how much overall AUROC may be given up.
        n_startup_trials: finished trials before TPE takes over from random draws.
        reduction_factor: of successive halving; one in so many trials goes on at a rung.
        n_finalists: masks retrained with fresh seeds and compared on the selection split.
        n_seeds: fresh seeds of each finalist.
        n_replicates: of the bootstrap, and permutations, with which the test split is assessed; at least 100.
        timeout: seconds after which no new trial starts, or None.

    Raises:
        ConfigurationError: if a value is out of range.
    """

    n_trials: int = 50
    max_epochs: int = 10
    seed: int = 0
    learning_rates: tuple[float, float] = (1e-5, 1e-3)
    anchor_learning_rate: float | None = None
    utility_floor: float | None = None
    utility_margin: float = 0.02
    n_startup_trials: int = 10
    reduction_factor: int = 3
    n_finalists: int = 3
    n_seeds: int = 2
    n_replicates: int = 2000
    timeout: float | None = None

    def __post_init__(self) -> None:
        for name in ("n_trials", "max_epochs", "n_startup_trials", "n_finalists", "n_seeds"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "a whole number from 1")
        _require(self.n_replicates >= 100, "n_replicates", self.n_replicates, "a whole number from 100")
        low, high = self.learning_rates
        _require(0 < low <= high < math.inf, "learning_rates", self.learning_rates, "two positive numbers, low to high")
        _require(self.reduction_factor >= 2, "reduction_factor", self.reduction_factor, "a whole number from 2")
        _require(0 <= self.utility_margin < 0.5, "utility_margin", self.utility_margin, "a number from 0 to 0.5")
        floor = self.utility_floor
        _require(floor is None or 0 <= floor <= 1, "utility_floor", floor, "an AUROC from 0 to 1, or null")

    @property
    def fixed_learning_rate(self) -> float:
        """The learning rate of the anchors."""
        return self.anchor_learning_rate or math.sqrt(self.learning_rates[0] * self.learning_rates[1])

    def fingerprint(self) -> dict[str, Any]:
        """Returns the choices that may not change within one study."""
        return {name: value for name, value in asdict(self).items() if name not in _BUDGET}


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name} is {value}. Give {wanted}.")
