"""What the finalists reach with fresh seeds on the selection split, and which of them is the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_fairtune.exceptions import TuningError
from monai_fairtune.masks import Mask
from monai_fairtune.objectives import Objective
from monai_fairtune.search.candidates import Candidate
from monai_fairtune.search.finalists import confirmation_key
from monai_fairtune.search.records import TrialRecord, TrialRecords
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.training import MODEL_FILE

__all__ = ["Finalist", "Retraining", "chosen_model", "confirmed"]


@dataclass(frozen=True)
class Retraining:
    """A finalist trained once more: its record and what it reached on the selection split."""

    record: TrialRecord
    value: float
    overall_auroc: float
    model_path: Path


@dataclass(frozen=True)
class Finalist:
    """A candidate of the search and its retrainings."""

    candidate: Candidate
    retrainings: tuple[Retraining, ...]

    @property
    def trial(self) -> TrialRecord:
        """The candidate's first trial."""
        return self.candidate.first

    @property
    def selection_value(self) -> float:
        """The mean objective over the retrainings."""
        return sum(again.value for again in self.retrainings) / len(self.retrainings)

    @property
    def selection_overall_auroc(self) -> float:
        """The mean overall AUROC over the retrainings."""
        return sum(again.overall_auroc for again in self.retrainings) / len(self.retrainings)


def confirmed(
    finalists: Sequence[tuple[Candidate, Mask]],
    records: TrialRecords,
    settings: SearchSettings,
    objective: Objective,
    floor: float,
) -> list[Finalist]:
    """Returns the finalists, the chosen one first.

    Those whose mean overall AUROC on the selection split reaches the utility floor come before those that miss it;
    then the mean objective decides. A finalist whose retraining failed with a fresh seed is left out.

    Raises:
        TuningError: if every finalist failed.
    """
    done = [Finalist(one, tuple(_retrainings(one, mask, records, settings.n_seeds))) for one, mask in finalists]
    steady = [finalist for finalist in done if len(finalist.retrainings) == settings.n_seeds]
    if not steady:
        raise TuningError(
            f"All {len(done)} finalists diverged when trained with fresh seeds. Lower the learning rates."
        )
    return sorted(
        steady,
        key=lambda finalist: (finalist.selection_overall_auroc < floor, -objective.score(finalist.selection_value)),
    )


def chosen_model(finalist: Finalist, objective: Objective) -> Retraining:
    """Returns the retraining that did best on the selection split."""
    return max(finalist.retrainings, key=lambda again: objective.score(again.value))


def _retrainings(one: Candidate, mask: Mask, records: TrialRecords, n_seeds: int) -> list[Retraining]:
    found = []
    for replicate in range(1, n_seeds + 1):
        key = confirmation_key(mask, one.first.hyperparameters["learning_rate"], replicate)
        record = records.find(key)
        if record is not None and record.selection is not None:
            selection = record.selection
            model_path = records.path(key) / MODEL_FILE
            found.append(Retraining(record, selection["value"], selection["overall_auroc"], model_path))
    return found
