"""Successive halving that only looks at finished trials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monai_fairtune.search.records import TrialRecord

__all__ = ["SuccessiveHalving"]


@dataclass(frozen=True)
class SuccessiveHalving:
    """Stops a trial at a rung unless it is among the best there (Jamieson & Talwalkar, 2016).

    Rungs are the epochs 1, ``reduction_factor``, ``reduction_factor**2``, ... below the last. The rule is a function
    of finished trials alone, so that a trial which was interrupted and runs again is judged as the first time;
    Optuna's own pruner counts the interrupted attempt as a competitor.

    Args:
        reduction_factor: one in so many trials goes on.
        max_epochs: epochs of a whole training.
    """

    reduction_factor: int
    max_epochs: int

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs after which a trial may be stopped."""
        epochs, epoch = [], 1
        while epoch < self.max_epochs:
            epochs.append(epoch)
            epoch *= self.reduction_factor
        return tuple(epochs)

    def stops(self, epoch: int, rank: tuple[float, float], others: Iterable[tuple[float, float]]) -> bool:
        """Says whether to stop a trial after ``epoch``.

        Args:
            epoch: from 1.
            rank: the trial's, larger is better.
            others: the ranks that finished trials had after the same epoch.
        """
        competitors = list(others)
        if epoch not in self.rungs or len(competitors) < self.reduction_factor:
            return False
        n_better = sum(other > rank for other in competitors)
        return n_better >= max(1, (len(competitors) + 1) // self.reduction_factor)


def ranks_at(epoch: int, records: Iterable[TrialRecord], score: float, floor: float) -> list[tuple[float, float]]:
    """Returns the ranks that the finished trials had after ``epoch``; ``score`` is +1 or -1, the direction."""
    values = [record.values_by_epoch[epoch] for record in records if epoch in record.values_by_epoch]
    return [rank(score * value, utility, floor) for value, utility in values]


def rank(score: float, utility: float, floor: float) -> tuple[float, float]:
    """Returns what orders trials: first how far the utility falls short of its floor, then the score."""
    return (min(0.0, utility - floor), score)
