"""The last stage: finalists with fresh seeds on the selection split, then one look at the test split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_fairtune.exceptions import TuningError
from monai_fairtune.masks import Mask
from monai_fairtune.metrics import auroc
from monai_fairtune.objectives import Objective
from monai_fairtune.search.epochs import EpochJudge
from monai_fairtune.search.files import read_json, write_json
from monai_fairtune.search.progress import Progress
from monai_fairtune.search.records import TrialRecord
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.training import Training
from monai_fairtune.tuning import Tuner

__all__ = ["Confirmation", "Finalist", "Retraining"]


@dataclass(frozen=True)
class Retraining:
    """A finalist trained once more: its record and what it reached on the selection split."""

    record: TrialRecord
    value: float
    overall_auroc: float
    model_path: Path


@dataclass(frozen=True)
class Finalist:
    """A trial of the search and its retrainings."""

    trial: TrialRecord
    retrainings: tuple[Retraining, ...]

    @property
    def selection_value(self) -> float:
        """The mean objective over the retrainings."""
        return sum(again.value for again in self.retrainings) / len(self.retrainings)

    @property
    def selection_overall_auroc(self) -> float:
        """The mean overall AUROC over the retrainings."""
        return sum(again.overall_auroc for again in self.retrainings) / len(self.retrainings)


class Confirmation:
    """Retrains finalists and chooses one on data that the search has not seen.

    Args:
        tuner: as in the search.
        objective: as in the search.
        settings: how many finalists and seeds.
        folder: where retrainings are kept; those that are there are not repeated.
        progress: the search's.
    """

    def __init__(
        self, tuner: Tuner, objective: Objective, settings: SearchSettings, folder: Path, progress: Progress
    ) -> None:
        self.tuner, self.objective, self.settings = tuner, objective, settings
        self.folder, self.progress = folder, progress

    def run(self, finalists: list[tuple[TrialRecord, Mask]], floor: float) -> list[Finalist]:
        """Returns the finalists, the chosen one first.

        Those whose mean overall AUROC on the selection split reaches the utility floor come before those that miss
        it; then the mean objective decides. A finalist that diverges with a fresh seed is left out.

        Raises:
            TuningError: if every finalist diverged.
        """
        done = [self._retrain_all(trial, mask) for trial, mask in finalists]
        steady = [finalist for finalist in done if len(finalist.retrainings) == self.settings.n_seeds]
        if not steady:
            raise TuningError(
                f"All {len(done)} finalists diverged when trained with fresh seeds. Lower the learning rates."
            )
        return sorted(
            steady,
            key=lambda finalist: (
                finalist.selection_overall_auroc < floor,
                -self.objective.score(finalist.selection_value),
            ),
        )

    def chosen_model(self, finalist: Finalist) -> Retraining:
        """Returns the retraining that did best on the selection split."""
        return max(finalist.retrainings, key=lambda again: self.objective.score(again.value))

    def _retrain_all(self, trial: TrialRecord, mask: Mask) -> Finalist:
        again = [self._retrain(trial, mask, replicate) for replicate in range(1, self.settings.n_seeds + 1)]
        return Finalist(trial, tuple(retraining for retraining in again if retraining is not None))

    def _retrain(self, trial: TrialRecord, mask: Mask, replicate: int) -> Retraining | None:
        learning_rate = trial.hyperparameters["learning_rate"]
        name = f"{mask.key}-{learning_rate:.6g}-{replicate}"
        path, model_path = self.folder / name / "result.json", self.folder / name / "model.safetensors"
        if not path.exists():
            self.progress.start(f"confirming {trial.name or f'trial {trial.number}'}, seed {replicate}")
            write_json(path, self._train(trial, mask, learning_rate, replicate, model_path))
        stored = read_json(path)
        self.progress.done()
        if stored["value"] is None:
            return None
        return Retraining(TrialRecord(**stored["record"]), stored["value"], stored["overall_auroc"], model_path)

    def _train(
        self, trial: TrialRecord, mask: Mask, learning_rate: float, replicate: int, model_path: Path
    ) -> dict[str, Any]:
        settings = self.settings
        judge = EpochJudge(
            self.objective,
            settings.utility_margin,
            on_value=lambda epoch, value: self.progress.epoch(epoch, settings.max_epochs, value),
        )
        training = Training(
            trial.number, "confirmation", mask, learning_rate, trial.name, replicate=replicate, assess_train=True
        )
        record = training.run(
            self.tuner, judge, max_epochs=settings.max_epochs, study_seed=settings.seed, save=model_path
        )
        if record.state == "failed":
            return {"record": record.to_dict(), "value": None, "overall_auroc": None}
        selection = self.tuner.predict(self.tuner.load(model_path), "selection")
        return {
            "record": record.to_dict(),
            "value": self.objective.evaluate(selection),
            "overall_auroc": auroc(selection.labels, selection.scores),
        }
