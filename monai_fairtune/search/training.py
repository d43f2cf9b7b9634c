"""One training of a search, and the record it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_fairtune.exceptions import TuningError
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.metrics import auroc
from monai_fairtune.search.board import Lease
from monai_fairtune.search.epochs import EpochJudge
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.halving import rank
from monai_fairtune.search.job import Job
from monai_fairtune.search.records import TrialRecord
from monai_fairtune.search.screened import screen_with
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.tuning import Budget, Tuner, TuningResult

__all__ = ["MODEL_FILE", "Training", "find_mask", "training_seed"]

MODEL_FILE = "model.safetensors"
"""The name of a kept model in its training's folder."""

OnProgress = Callable[[Mapping[str, Any]], None]


def find_mask(job: Job, partition: Partition, anchors: Mapping[str, Mask]) -> Mask:
    """Returns a job's mask: of the search space, or an anchor that lies outside it."""
    if job.mask["partition"] == partition.name:
        return Mask.from_dict(job.mask, partition)
    return anchors[str(job.name)]


def training_seed(study_seed: int, mask: Mask, job: Job) -> int:
    """Returns the seed of a job's training: from the study's, the mask and the replicate."""
    stage = ("confirmation",) if job.kind == "confirmation" else ()
    return derive_seed(study_seed, mask.key, *stage, job.replicate)


@dataclass(frozen=True)
class Training:
    """Trains what a lease says.

    Args:
        tuner: trains.
        goals: what is optimised.
        settings: of the search.
        mask: of the job.
        lease: on the job.
        on_progress: called after every epoch, with plain JSON; may raise to end the training.
    """

    tuner: Tuner
    goals: Goals
    settings: SearchSettings
    mask: Mask
    lease: Lease
    on_progress: OnProgress

    def run(self, folder: Path) -> TrialRecord:
        """Trains and returns the record; a divergence is recorded, not raised.

        Args:
            folder: receives the model, if the job keeps one.
        """
        start = time.perf_counter()
        job = self.lease.job
        try:
            found = self._train_folds() if self.settings.n_folds > 1 else self._train_once(None)
            if job.keeps_model:
                found = found | self._keep(found.pop("model", None), folder)
            if job.screens:
                model = self.tuner.load(folder / MODEL_FILE)
                found["screened"] = screen_with(
                    self.tuner, model, self.mask, self.goals.first, self.settings, lambda: self.on_progress({})
                )
        except TuningError as error:
            found = {"state": "failed", "reason": str(error)}
        found.pop("model", None)
        return TrialRecord.of(
            job,
            self.mask,
            self.seed,
            seconds=time.perf_counter() - start,
            attempts=self.lease.attempt,
            faults=self.lease.faults,
            accumulation_steps=self.lease.accumulation_steps,
            **found,
        )

    @property
    def seed(self) -> int:
        """The training's seed."""
        return training_seed(self.settings.seed, self.mask, self.lease.job)

    def _train_once(self, fold: int | None) -> dict[str, Any]:
        judge = EpochJudge(
            self.goals.first,
            self.settings.utility_margin,
            stops=lambda epoch, value, utility: self._misses(f"epoch {epoch}", value, utility),
            on_value=lambda epoch, value: self.on_progress(
                {"epoch": epoch, "max_epochs": self.settings.max_epochs, "value": value, "fold": fold}
            ),
        )
        outcome = self._tune(judge, fold)
        return {
            "state": "pruned" if judge.stopped else "complete",
            "value": judge.value,
            "values": self.goals.values(judge.value, self.mask, outcome.validation),
            "overall_auroc": judge.utility,
            "best_epoch": outcome.best_epoch,
            "epochs": judge.epochs,
            "model": outcome.model,
        }

    def _tune(self, judge: EpochJudge, fold: int | None) -> TuningResult:
        job = self.lease.job
        budget = Budget(
            self.settings.max_epochs,
            job.follows_train,
            accumulation_steps=self.lease.accumulation_steps,
            fold=fold,
            n_folds=1 if fold is None else self.settings.n_folds,
            name=job.title,
        )
        return self.tuner.tune(self.mask, {"learning_rate": job.learning_rate}, budget, seed=self.seed, on_epoch=judge)

    def _train_folds(self) -> dict[str, Any]:
        """Trains once a fold; a mask that falls behind the others after a fold is not trained on the next."""
        if self.lease.job.kind == "confirmation":
            return self._train_once(None)
        folds: list[dict[str, Any]] = []
        state = "complete"
        for fold in range(self.settings.n_folds):
            folds.append(self._train_once(fold))
            means = np.mean([(one["value"], one["overall_auroc"]) for one in folds], axis=0)
            if len(folds) < self.settings.n_folds and self._misses(f"fold {len(folds)}", *means):
                state = "pruned"
                break
        kept = ("value", "overall_auroc", "best_epoch", "epochs")
        return {
            "state": state,
            "value": float(means[0]),
            "values": tuple(float(value) for value in np.mean([one["values"] for one in folds], axis=0)),
            "overall_auroc": float(means[1]),
            "folds": [{name: one[name] for name in kept} for one in folds],
        }

    def _misses(self, rung: str, value: float, utility: float) -> bool:
        bar = self.lease.job.bars.get(rung)
        floor = self.lease.job.floor
        return bar is not None and floor is not None and rank(self.goals.first.score(value), utility, floor) < bar

    def _keep(self, model: object, folder: Path) -> dict[str, Any]:
        """Writes the model; with k-fold validation, one that is trained on the whole training split for it."""
        again = {} if model is not None else self._train_once(None)
        model = again.pop("model", model)
        folder.mkdir(parents=True, exist_ok=True)
        self.tuner.save(model, folder / MODEL_FILE)
        found: dict[str, Any] = {name: again[name] for name in ("epochs", "best_epoch") if name in again}
        if self.lease.job.kind == "confirmation":
            selection = self.tuner.predict(self.tuner.load(folder / MODEL_FILE), "selection")
            found["selection"] = {
                "value": self.goals.first.evaluate(selection),
                "overall_auroc": auroc(selection.labels, selection.scores),
            }
        return found
