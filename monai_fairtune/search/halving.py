"""Successive halving that only looks at finished trials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monai_fairtune.search.records import TrialRecord

__all__ = ["SuccessiveHalving", "rank"]


@dataclass(frozen=True)
class SuccessiveHalving:
    """Stops a trial at a rung unless it is among the best there (Jamieson & Talwalkar, 2016).

    Rungs are the epochs 1, ``reduction_factor``, ``reduction_factor**2``, ... below the last; with k-fold validation,
    the folds before the last. What a trial must reach is fixed before it starts, from finished trials alone, so that a
    trial which was interrupted and runs again is judged as the first time, by whatever worker; Optuna's own pruner
    counts the interrupted attempt as a competitor.

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

    def bar(self, others: Iterable[tuple[float, float]]) -> tuple[float, float] | None:
        """Returns the rank that a trial must reach at a rung to go on, or None while there is too little to compare.

        Args:
            others: the ranks that finished trials had at the same rung; larger is better.
        """
        competitors = sorted(others, reverse=True)
        if len(competitors) < self.reduction_factor:
            return None
        return competitors[max(1, (len(competitors) + 1) // self.reduction_factor) - 1]

    def bars(
        self, records: Iterable[TrialRecord], score: float, floor: float, n_folds: int
    ) -> dict[str, tuple[float, float]]:
        """Returns the bar at each rung that has one.

        Args:
            records: finished trials.
            score: +1 or -1, the objective's direction.
            floor: the utility floor.
            n_folds: of k-fold validation, where the rungs are folds; 1 where they are epochs.
        """
        finished = [record.at_rungs for record in records]
        rungs = [f"epoch {epoch}" for epoch in self.rungs] if n_folds == 1 else [f"fold {n}" for n in range(1, n_folds)]
        found = {}
        for rung in rungs:
            bar = self.bar(rank(score * at[rung][0], at[rung][1], floor) for at in finished if rung in at)
            if bar is not None:
                found[rung] = bar
        return found


def rank(score: float, utility: float, floor: float) -> tuple[float, float]:
    """Returns what orders trials: first how far the utility falls short of its floor, then the score."""
    return (min(0.0, utility - floor), score)
