"""One tuner in each of several processes, all of which share every training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from monai_fairtune.masks import Mask
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning.protocol import BlendingTuner, Budget, OnEpoch, TunedModel, Tuner, TuningResult, Verdict
from monai_fairtune.tuning.team import Team

__all__ = ["DistributedTuner"]


@dataclass(frozen=True)
class _Tuning:
    mask: Mask
    hyperparameters: Mapping[str, float]
    budget: Budget
    seed: int

    def __call__(self, tuner: Tuner, on_epoch: OnEpoch) -> TuningResult:
        return tuner.tune(self.mask, self.hyperparameters, self.budget, seed=self.seed, on_epoch=on_epoch)


@dataclass(frozen=True)
class _Prediction:
    model: TunedModel
    split: str

    def __call__(self, tuner: Tuner, on_epoch: OnEpoch) -> Predictions:  # noqa: ARG002 - only trainings have epochs
        return tuner.predict(self.model, self.split)


_Task: TypeAlias = _Tuning | _Prediction


class DistributedTuner:
    """The ``Tuner`` of a team's leader; the other processes follow.

    Each process has a tuner of its own, with network and images. Whoever uses this one, such as a search, runs in the
    leader only, inside ``team.leading``; the others are in ``follow`` meanwhile. Trainings and predictions are shared;
    ``save``, ``load`` and ``blend`` are the leader's alone.

    Args:
        tuner: this process's, which knows the team.
        team: of processes.
    """

    def __init__(self, tuner: BlendingTuner, team: Team) -> None:
        self.tuner, self.team = tuner, team

    def tune(
        self, mask: Mask, hyperparameters: Mapping[str, float], budget: Budget, *, seed: int, on_epoch: OnEpoch
    ) -> TuningResult:
        """See :meth:`Tuner.tune`. An error of any process ends the training in all of them."""
        found: TuningResult = self._lead(_Tuning(mask, dict(hyperparameters), budget, seed), on_epoch)
        return found

    def predict(self, model: TunedModel, split: str) -> Predictions:
        """See :meth:`Tuner.predict`."""
        found: Predictions = self._lead(_Prediction(model, split), lambda _: Verdict(keep=True))
        return found

    def blend(self, model: TunedModel, masks: Sequence[Mask]) -> Sequence[Predictions]:
        """See :meth:`BlendingTuner.blend`."""
        return self.tuner.blend(model, masks)

    def save(self, model: TunedModel, path: Path) -> None:
        """See :meth:`Tuner.save`."""
        self.tuner.save(model, path)

    def load(self, path: Path) -> TunedModel:
        """See :meth:`Tuner.load`."""
        return self.tuner.load(path)

    def follow(self) -> bool:
        """Does what the leader does, until it leaves ``team.leading``; returns whether that was without an error.

        Raises:
            ProcessLostError: if a process is gone.
        """
        while isinstance(told := self.team.next_task(), tuple):
            n_threads, task = told
            torch.set_num_threads(n_threads)
            self._do(task, lambda _: Verdict(keep=True))
        return bool(told)

    def _lead(self, task: _Task, on_epoch: OnEpoch) -> Any:
        self.team.next_task((torch.get_num_threads(), task))
        return self._do(task, on_epoch)

    def _do(self, task: _Task, on_epoch: OnEpoch) -> Any:
        with self.team.together():
            return task(self.tuner, lambda report: self.team.decided(lambda: on_epoch(report)))
