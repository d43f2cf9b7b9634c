"""Whole batches in parts: what fits into less memory takes the same optimizer steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from ignite.engine import Engine, Events
from torch import Tensor

from monai_fairtune.cohort import Batches
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["MicroBatches", "SharedLoss", "ends_step"]

_SHARE = "share"


class MicroBatches:
    """A loader that yields each batch of another in ``n_parts`` parts of equal size, give or take one image.

    The batch is drawn and augmented as a whole, so that its parts hold the same pixels. A last batch of fewer images
    than parts comes one by one. Beside the batch's own keys, a part holds ``share``: its share of the batch's class
    weight times ``n_parts``, by which an engine divides that accumulates gradients.

    Args:
        batches: the loader of whole batches.
        n_parts: parts of a batch, from 1 to the batch size.
        class_weights: the loss's, shape ``(n_classes,)``, on the batches' device.

    Raises:
        ConfigurationError: if a batch has fewer images than parts.
    """

    def __init__(self, batches: Batches, n_parts: int, class_weights: Tensor) -> None:
        if n_parts > batches.batch_size:
            raise ConfigurationError(
                f"accumulation_steps is {n_parts} for batches of {batches.batch_size} images. "
                "A micro-batch holds at least one image: give at most as many steps as images."
            )
        self.batches, self.n_parts, self.class_weights = batches, n_parts, class_weights

    def __len__(self) -> int:
        n_full, n_left = divmod(self.batches.n_images, self.batches.batch_size)
        return n_full * self.n_parts + min(n_left, self.n_parts)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for batch in self.batches:
            n_parts = min(self.n_parts, len(batch["label"]))
            parts = {key: values.tensor_split(n_parts) for key, values in batch.items()}
            weights = [self.class_weights[labels].sum() for labels in parts["label"]]
            whole = torch.stack(weights).sum()
            for number in range(n_parts):
                part = {key: values[number] for key, values in parts.items()}
                yield {**part, _SHARE: weights[number] / whole * self.n_parts}


class SharedLoss:
    """A class-weighted mean loss of micro-batches whose gradients add up to the whole batch's, exactly.

    Attach it to the trainer, which then tells it each part's share.

    Args:
        loss: of logits ``(B, n_classes)`` and labels ``(B,)``: the mean, weighted by class.
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.loss = loss
        self._share: Tensor | None = None

    def attach(self, trainer: Engine) -> None:
        """Listens to a trainer whose loader is ``MicroBatches``."""
        trainer.add_event_handler(Events.ITERATION_STARTED, self._take_share)

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Returns the part's loss times its share."""
        loss = self.loss(logits, labels)
        return loss if self._share is None else loss * self._share

    def _take_share(self, trainer: Engine) -> None:
        self._share = trainer.state.batch[_SHARE]


def ends_step(trainer: Engine) -> bool:
    """Returns whether a MONAI trainer's iteration ended an optimizer step: the epoch's last one always does."""
    in_epoch = (trainer.state.iteration - 1) % trainer.state.epoch_length + 1
    return bool(in_epoch % trainer.accumulation_steps == 0 or in_epoch == trainer.state.epoch_length)
