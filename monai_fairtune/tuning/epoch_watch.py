"""What happens between two epochs of a tuning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer

from monai_fairtune.exceptions import TuningError
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning.epoch_loss import EpochLoss
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
        total: returns the sum over all processes of what each gives for itself.
        n_parts: parts of batches an epoch, each counted as its share of a step.
        device: where the loss lies.
    """

    def __init__(
        self,
        budget: Budget,
        on_epoch: OnEpoch,
        *,
        predict_validation: Callable[[], Predictions],
        predict_train: Callable[[], Predictions],
        snapshot: Callable[[], TunedModel],
        total: Callable[[float], float],
        n_parts: int,
        device: torch.device,
    ) -> None:
        self.budget, self.on_epoch, self.snapshot = budget, on_epoch, snapshot
        self.predict_validation, self.predict_train = predict_validation, predict_train
        self.total, self.n_parts = total, n_parts
        self.loss = EpochLoss(device)
        self.kept: tuple[int, TunedModel, Predictions] | None = None
        self.n_epochs = 0

    def attach(self, trainer: SupervisedTrainer, handlers: Sequence[Handler] = ()) -> None:
        """Listens to the trainer, beside others who hear of an epoch's loss before the search does."""
        self.loss.attach(trainer)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._tell_loss)
        for handler in handlers:
            handler.attach(trainer)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._report)

    def result(self, seconds: float) -> TuningResult:
        """Returns the model that was kept last.

        Raises:
            TuningError: if no epoch was kept.
        """
        if self.kept is None:
            raise TuningError(f"No epoch of {self.n_epochs} gave a model worth keeping. Lower the learning rate.")
        (epoch, model, validation), self.kept = self.kept, None
        return TuningResult(model, validation, epoch, self.n_epochs, seconds)

    def _tell_loss(self, trainer: SupervisedTrainer) -> None:
        self.n_epochs = trainer.state.epoch
        # A micro-batch's loss counts for its share of a step, and a process's for its share of a batch.
        trainer.state.metrics[TRAIN_LOSS] = self.total(self.loss.value) / self.n_parts

    def _report(self, trainer: SupervisedTrainer) -> None:
        loss = trainer.state.metrics[TRAIN_LOSS]
        validation = self.predict_validation()
        train = self.predict_train() if self.budget.assess_train else None
        verdict = self.on_epoch(EpochReport(self.n_epochs, loss, validation, train))
        if verdict.keep:
            self.kept = None  # its memory can be taken again
            self.kept = (self.n_epochs, self.snapshot(), validation)
        if verdict.stop:
            trainer.terminate()
