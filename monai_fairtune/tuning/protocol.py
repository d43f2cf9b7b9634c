"""The seam between the search and whatever trains a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import Mask
from monai_fairtune.predictions import Predictions

__all__ = ["BlendingTuner", "Budget", "EpochReport", "OnEpoch", "TunedModel", "Tuner", "TuningResult", "Verdict"]

TunedModel: TypeAlias = object
"""What a tuner trained. Only the tuner that made it looks inside."""


@dataclass(frozen=True)
class Budget:
    """How much a tuning may cost.

    Args:
        max_epochs: passes over the training split, at least 1.
        assess_train: whether each epoch also predicts the training images, as the fairness generalization gap by
            epoch needs; it costs a forward pass over them.
        accumulation_steps: parts of a batch whose gradients an optimizer step sums, at least 1. More parts need less
            memory; steps, schedule and loss stay those of the whole batch.
        fold: for k-fold validation, the fold that validates, from 0; the other folds of the train and validation
            splits together are trained on. None means the splits as they are.
        n_folds: how many folds there are: 1 without ``fold``, else at least 2.
        name: what loggers call the training, such as ``"trial 12"``; it never names a patient.

    Raises:
        ConfigurationError: if a number is out of range.
    """

    max_epochs: int
    assess_train: bool = False
    accumulation_steps: int = 1
    fold: int | None = None
    n_folds: int = 1
    name: str = ""

    def __post_init__(self) -> None:
        if self.accumulation_steps < 1:
            raise ConfigurationError(f"accumulation_steps is {self.accumulation_steps}. Give 1 or more.")
        is_whole = self.fold is None and self.n_folds == 1
        if not is_whole and (self.fold is None or self.n_folds < 2 or not 0 <= self.fold < self.n_folds):
            raise ConfigurationError(
                f"fold is {self.fold} of n_folds={self.n_folds}. "
                "Give a fold from 0 to n_folds - 1 of 2 or more, or neither."
            )


@dataclass(frozen=True)
class EpochReport:
    """What is known after an epoch; ``epoch`` counts from 1, ``loss`` is the mean training loss of the epoch.

    ``validation`` holds the validation split or, with folds, the fold that validates; ``train`` likewise.
    """

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
    """The model of the epoch that was kept last, and what it says about the images that validate."""

    model: TunedModel
    validation: Predictions
    best_epoch: int
    n_epochs: int
    seconds: float


class Tuner(Protocol):
    """Trains a network under a mask.

    The same mask, hyperparameters, budget and seed must give the same predictions, to the bit on one CPU with one
    number of threads: an interrupted search trains again what it lost and ends where an uninterrupted one would.
    Another number of threads may add in another order and change the last digits.

    A training that ends in an error leaves the tuner usable: the next one is as if the failed one had not been. What
    runs out of memory raises what its library raises, such as ``torch.OutOfMemoryError``; the search may then ask for
    the same training with more ``accumulation_steps``.
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
            on_epoch: called after every epoch, with predictions for all images that validate. What it raises ends
                the training and reaches the caller as it is.

        Returns:
            The model of the last epoch that ``on_epoch`` kept.

        Raises:
            TuningError: if training diverges.
            ConfigurationError: if the budget asks for what this tuner cannot do, such as folds: it never ignores
                them, as the numbers would then be of images that were trained on.
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


@runtime_checkable
class BlendingTuner(Tuner, Protocol):
    """A tuner that can say, without training, what a mask would give: what screening needs."""

    def blend(self, model: TunedModel, masks: Sequence[Mask]) -> Sequence[Predictions]:
        """Returns predictions for the validation split of networks that are tuned in part.

        Args:
            model: trained under a mask that tunes every component of the partition.
            masks: of that partition. Where a mask tunes a component, the network has the model's; elsewhere, the
                pretrained one.

        Raises:
            MaskError: if the network cannot be taken apart like this.
        """
        ...
