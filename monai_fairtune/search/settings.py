"""What a search may do, and what it optimises."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["SearchSettings"]

_BUDGET = frozenset({"n_trials", "n_finalists", "n_seeds", "n_replicates", "timeout", "patience", "stall_timeout"})


@dataclass(frozen=True)
class SearchSettings:
    """The choices of a search. All but the budget are part of the study's fingerprint.

    Args:
        n_trials: trainings on the validation split, anchors and repeats included; at least 1.
        max_epochs: of every training.
        seed: every trial's seed derives from it, the mask and the replicate.
        learning_rates: lowest and highest learning rate searched, on a log scale (paper: 1e-5 to 1e-3).
        anchor_learning_rate: the anchors'; by default the geometric mean of ``learning_rates``.
        utility_floor: lowest overall validation AUROC that a mask may have; by default the best anchor's, minus
            ``utility_margin``.
        utility_margin: how much overall AUROC may be given up.
        method: how masks are proposed: ``tpe``, ``nsga2``, ``random`` or ``exhaustive``.
        n_startup_trials: finished trials before TPE takes over from random draws.
        population_size: of NSGA-II.
        n_ahead: trials that may be under way before the one that is proposed. A proposal knows the trials before
            those, and no others: so many workers and one more are never idle, and the trials are the same with fewer.
            By default 4, or the number of workers where that is more, as the study was begun.
        repeat_share: share of the trials after the start-up that train a promising mask again with a fresh seed.
        n_folds: of k-fold validation over training and validation patients; 1 validates on the validation split.
        max_trained_share: the largest share of the network's parameters that may be tuned, in (0, 1], or None.
        reduction_factor: of successive halving; one in so many trials goes on at a rung.
        screening: whether the masks that look best by forward passes alone are tried before the method proposes any.
        n_screened: masks that screening scores.
        n_screened_trials: how many of them are trained.
        n_finalists: masks retrained with fresh seeds and compared on the selection split.
        n_seeds: fresh seeds of each finalist.
        n_replicates: of the bootstrap, and permutations, with which the test split is assessed; at least 100.
        timeout: seconds after which no new trial starts, or None.
        patience: trials without a better feasible one after which the search ends, or None.
        stall_timeout: seconds without a finished epoch after which a training is taken for hung.

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
    method: str = "tpe"
    n_startup_trials: int = 10
    population_size: int = 20
    n_ahead: int | None = None
    repeat_share: float = 0.2
    n_folds: int = 1
    max_trained_share: float | None = None
    reduction_factor: int = 3
    screening: bool = False
    n_screened: int = 64
    n_screened_trials: int = 5
    n_finalists: int = 3
    n_seeds: int = 2
    n_replicates: int = 2000
    timeout: float | None = None
    patience: int | None = None
    stall_timeout: float = 7200.0

    def __post_init__(self) -> None:
        for name in ("n_trials", "max_epochs", "n_startup_trials", "n_finalists", "n_seeds", "n_folds"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "a whole number from 1")
        _require(self.population_size >= 2, "population_size", self.population_size, "a whole number from 2")
        _require(self.n_screened >= 2, "n_screened", self.n_screened, "a whole number from 2")
        _require(self.n_screened_trials >= 1, "n_screened_trials", self.n_screened_trials, "a whole number from 1")
        _require(self.n_ahead is None or self.n_ahead >= 0, "n_ahead", self.n_ahead, "a whole number from 0, or null")
        _require(0 <= self.repeat_share <= 0.5, "repeat_share", self.repeat_share, "a number from 0 to 0.5")
        _require(self.stall_timeout > 0, "stall_timeout", self.stall_timeout, "seconds above 0")
        for name in ("patience", "timeout"):
            limit = getattr(self, name)
            _require(limit is None or limit > 0, name, limit, "a number above 0, or null")
        share = self.max_trained_share
        _require(share is None or 0 < share <= 1, "max_trained_share", share, "a share above 0, at most 1, or null")
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

    def look_ahead(self, n_workers: int = 1) -> int:
        """Returns ``n_ahead``, or what it is by default in a study that begins with so many workers."""
        return max(4, n_workers) if self.n_ahead is None else self.n_ahead

    @property
    def budget(self) -> tuple[int, int, int, int]:
        """What a finished search may be given more of: trials, finalists, seeds of each, replicates."""
        return self.n_trials, self.n_finalists, self.n_seeds, self.n_replicates

    def fingerprint(self) -> dict[str, Any]:
        """Returns the choices that may not change within one study."""
        return {name: value for name, value in asdict(self).items() if name not in _BUDGET}


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name} is {value}. Give {wanted}.")
