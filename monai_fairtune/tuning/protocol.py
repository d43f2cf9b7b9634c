"""The seam between the search and whatever trains a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from monai_fairtune.masks import Mask
from monai_fairtune.predictions import Predictions

__all__ = ["Budget", "EpochReport", "OnEpoch", "TunedModel", "Tuner", "TuningResult", "Verdict"]

TunedModel: TypeAlias = object
"""What a tuner trained. Only the tuner that made it looks inside."""


@dataclass(frozen=True)
class Budget:
    """How much a tuning may cost.

    Args:
        max_epochs: passes over the training split, at least 1.
        assess_train: whether each epoch also predicts the training split, as the fairness generalization gap by
            epoch needs; it costs a forward pass over that split.
    """

    max_epochs: int
    assess_train: bool = False


@dataclass(frozen=True)
class EpochReport:
    """What is known after an epoch; ``epoch`` counts from 1, ``loss`` is the mean training loss of the epoch."""

    epoch: int
    loss: float
    validation: Predictions
    train: Predictions | None = None


@dataclass(frozen=True)
class Verdict:
    """The caller's answer to an epoch: whether to keep this epoch's model, and whether to stop here."""

    keep: bool
    stop: bool = False


OnEpoch: TypeAlias = Callable[[EpochReport], Verdict]


@dataclass(frozen=True)
class TuningResult:
    """The model of the epoch that was kept last, and what it says about the validation split."""

    model: TunedModel
    validation: Predictions
    best_epoch: int
    n_epochs: int
    seconds: float


class Tuner(Protocol):
    """Trains a network under a mask.

    The same mask, hyperparameters and seed must give the same predictions, to the bit on a CPU: an interrupted search
    trains again what it lost and ends where an uninterrupted one would.
    """

    def tune(
        self,
        mask: Mask,
        hyperparameters: Mapping[str, float],
        budget: Budget,
        *,
        seed: int,
        on_epoch: OnEpoch,
    ) -> TuningResult:
        """Trains the masked components and the head from the pretrained state.

        Args:
            mask: the components to tune.
            hyperparameters: holds ``"learning_rate"``.
            budget: the most that may be spent.
            seed: fixes the head's initial weights, the order of images and the augmentation.
            on_epoch: called after every epoch, with predictions for the whole validation split.

        Returns:
            The model of the last epoch that ``on_epoch`` kept.

        Raises:
            TuningError: if training diverges.
        """
        ...

    def predict(self, model: TunedModel, split: str) -> Predictions:
        """Returns predictions for one whole split: ``train``, ``validation``, ``selection`` or ``test``."""
        ...

    def save(self, model: TunedModel, path: Path) -> None:
        """Writes the model to ``path``, whole or not at all."""
        ...

    def load(self, path: Path) -> TunedModel:
        """Reads what ``save`` wrote."""
        ...
