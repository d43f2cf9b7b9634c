"""A tuner that is a function: whole searches in seconds, without torch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TypeAlias

from monai_fairtune.exceptions import TuningError
from monai_fairtune.masks import Mask
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning.protocol import Budget, EpochReport, OnEpoch, TunedModel, TuningResult

__all__ = ["FunctionTuner", "Job"]


@dataclass(frozen=True)
class Job:
    """What a training is determined by."""

    tuned: frozenset[str]
    learning_rate: float
    seed: int
    fold: int | None = None
    accumulation_steps: int = 1


Predict: TypeAlias = Callable[[Job, int, str], Predictions]


class FunctionTuner:
    """The in-memory member of the ``Tuner`` seam.

    Args:
        predict: called with the job, the epoch (from 1) and the split; the predictions of the model after that epoch.
            Of a job with a fold, ``"validation"`` means that fold and ``"train"`` the others.
        interrupt: called with the job before each epoch; may raise, as a crash would.
    """

    def __init__(self, predict: Predict, interrupt: Callable[[Job, int], None] = lambda job, epoch: None) -> None:  # noqa: ARG005
        self.predict_function, self.interrupt = predict, interrupt
        self.jobs: list[Job] = []
        self.n_epochs = 0
        self.splits_read: list[str] = []

    def tune(
        self, mask: Mask, hyperparameters: Mapping[str, float], budget: Budget, *, seed: int, on_epoch: OnEpoch
    ) -> TuningResult:
        """See :meth:`Tuner.tune`."""
        start = time.perf_counter()
        rate = hyperparameters["learning_rate"]
        job = Job(mask.tuned, rate, seed, budget.fold, budget.accumulation_steps)
        self.jobs.append(job)
        kept, epoch = 0, 0
        for epoch in range(1, budget.max_epochs + 1):
            self.interrupt(job, epoch)
            self.n_epochs += 1
            train = self.predict_function(job, epoch, "train") if budget.assess_train else None
            verdict = on_epoch(EpochReport(epoch, 1.0 / epoch, self.predict_function(job, epoch, "validation"), train))
            kept = epoch if verdict.keep else kept
            if verdict.stop:
                break
        if not kept:
            raise TuningError(f"No epoch of {epoch} was kept. Lower the learning rate.")
        validation = self.predict_function(job, kept, "validation")
        return TuningResult((job, kept), validation, kept, epoch, time.perf_counter() - start)

    def predict(self, model: TunedModel, split: str) -> Predictions:
        """See :meth:`Tuner.predict`."""
        self.splits_read.append(split)
        job, epoch = _unpack(model)
        return self.predict_function(job, epoch, split)

    def blend(self, model: TunedModel, masks: Sequence[Mask]) -> Sequence[Predictions]:
        """See :meth:`BlendingTuner.blend`: here, what the masks give when they are trained."""
        job, epoch = _unpack(model)
        return [self.predict_function(replace(job, tuned=mask.tuned), epoch, "validation") for mask in masks]

    def save(self, model: TunedModel, path: Path) -> None:
        """See :meth:`Tuner.save`."""
        job, epoch = _unpack(model)
        path.write_text(json.dumps([[sorted(job.tuned), *astuple(job)[1:]], epoch]))

    def load(self, path: Path) -> TunedModel:
        """See :meth:`Tuner.load`."""
        (tuned, *others), epoch = json.loads(path.read_text())
        return Job(frozenset(tuned), *others), epoch


def _unpack(model: TunedModel) -> tuple[Job, int]:
    if not isinstance(model, tuple):
        raise TypeError(f"A {type(model).__name__} is not a model of this tuner. Pass what tune or load returned.")
    return model[0], model[1]
