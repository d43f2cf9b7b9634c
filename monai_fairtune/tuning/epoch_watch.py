"""What happens between two epochs of a tuning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from ignite.engine import Events
from ignite.handlers import TerminateOnNan
from monai.engines import SupervisedTrainer

from monai_fairtune.exceptions import TuningError
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning.protocol import Budget, EpochReport, OnEpoch, TunedModel, TuningResult
from monai_fairtune.tuning.tracking import Handler

__all__ = ["TRAIN_LOSS", "EpochWatch"]

TRAIN_LOSS = "train_loss"
"""Under which name trackers find the mean training loss of an epoch in the trainer's ``state.metrics``."""


class EpochWatch:
    """Reports every epoch to the search, keeps the model it asks to keep, and stops when it says so.

    Args:
        budget: of the tuning.
        on_epoch: the search's answer to an epoch.
        predict_validation: returns predictions of the model as it is now for the images that validate.
        predict_train: likewise for those that are trained on.
        snapshot: returns the model as it is now.
        n_steps: optimizer steps an epoch.
        device: where the loss lies: it is read once an epoch, as reading it holds the device up.
    """

    def __init__(
        self,
        budget: Budget,
        on_epoch: OnEpoch,
        *,
        predict_validation: Callable[[], Predictions],
        predict_train: Callable[[], Predictions],
        snapshot: Callable[[], TunedModel],
        n_steps: int,
        device: torch.device,
    ) -> None:
        self.budget, self.on_epoch, self.snapshot = budget, on_epoch, snapshot
        self.predict_validation, self.predict_train = predict_validation, predict_train
        self.n_steps = n_steps
        self.loss = torch.zeros((), device=device)
        self.kept: tuple[int, TunedModel, Predictions] | None = None
        self.n_epochs = 0

    def attach(self, trainer: SupervisedTrainer, handlers: Sequence[Handler] = ()) -> None:
        """Listens to the trainer, beside others who hear of an epoch's loss before the search does."""
        trainer.add_event_handler(Events.EPOCH_STARTED, lambda _: self.loss.zero_())
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._add_loss)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, TerminateOnNan(lambda output: output["loss"]))
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._tell_loss)
        for handler in handlers:
            handler.attach(trainer)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._report)

    def result(self, seconds: float) -> TuningResult:
        """Returns the model that was kept last.

        Raises:
            TuningError: if training diverged, or no epoch was kept.
        """
        self._check_loss(float(self.loss))
        if self.kept is None:
            raise TuningError(f"No epoch of {self.n_epochs} gave a model worth keeping. Lower the learning rate.")
        epoch, model, validation = self.kept
        return TuningResult(model, validation, epoch, self.n_epochs, seconds)

    def _add_loss(self, trainer: SupervisedTrainer) -> None:
        output: dict[str, Any] = trainer.state.output
        self.loss += output["loss"].detach()

    def _tell_loss(self, trainer: SupervisedTrainer) -> None:
        self.n_epochs = trainer.state.epoch
        # A micro-batch's loss counts for its share of a step.
        loss = float(self.loss) / (self.n_steps * self.budget.accumulation_steps)
        self._check_loss(loss)
        trainer.state.metrics[TRAIN_LOSS] = loss

    def _report(self, trainer: SupervisedTrainer) -> None:
        loss = trainer.state.metrics[TRAIN_LOSS]
        validation = self.predict_validation()
        train = self.predict_train() if self.budget.assess_train else None
        verdict = self.on_epoch(EpochReport(self.n_epochs, loss, validation, train))
        if verdict.keep:
            self.kept = (self.n_epochs, self.snapshot(), validation)
        if verdict.stop:
            trainer.terminate()

    def _check_loss(self, loss: float) -> None:
        if not np.isfinite(loss):
            raise TuningError(
                f"Training diverged after {self.n_epochs} epochs: the loss is {loss}. Lower the learning rate."
            )
