"""What may become the answer: masks with their learning rates, and every trial of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monai_fairtune.search.records import TrialRecord

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True)
class Candidate:
    """A mask and a learning rate, with one trial for each seed.

    Args:
        trials: the first training, then the repeats with fresh seeds that ran to their end.
    """

    trials: tuple[TrialRecord, ...]

    @property
    def first(self) -> TrialRecord:
        """The trial with the study's own seed."""
        return self.trials[0]

    @property
    def values(self) -> tuple[float, ...]:
        """The deciding objective, one value a seed."""
        return tuple(record.value for record in self.trials if record.value is not None)

    @property
    def value(self) -> float:
        """The mean of ``values``."""
        return sum(self.values) / len(self.values)

    @property
    def all_values(self) -> tuple[float, ...]:
        """The mean of each objective over the seeds."""
        columns = zip(*(record.values or (record.value or 0.0,) for record in self.trials), strict=True)
        return tuple(sum(column) / len(column) for column in columns)

    @property
    def overall_auroc(self) -> float:
        """The mean overall AUROC on validation over the seeds."""
        utilities = [record.overall_auroc for record in self.trials if record.overall_auroc is not None]
        return sum(utilities) / len(utilities)


def candidates(records: Iterable[TrialRecord], floor: float, max_trained_share: float | None) -> list[Candidate]:
    """Returns the candidates that are feasible, in the order of their first trials.

    Args:
        records: of a study, by number.
        floor: the lowest mean overall AUROC.
        max_trained_share: the largest share of parameters tuned, or None.
    """
    groups: dict[tuple[str, float], list[TrialRecord]] = {}
    for record in records:
        if record.state == "complete":
            groups.setdefault((record.mask_key, record.hyperparameters["learning_rate"]), []).append(record)
    found = [Candidate(tuple(group)) for group in groups.values()]
    limit = 1.0 if max_trained_share is None else max_trained_share
    return [one for one in found if one.overall_auroc >= floor and one.first.trained_share <= limit]
