"""Whole batches in parts: what fits into less memory takes the same optimizer steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ignite.engine import Engine, Events
from torch import Tensor

from monai_fairtune.cohort import Batches
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["MicroBatches", "SharedLoss", "ends_step"]

_SHARE = "share"


class MicroBatches:
    """A loader that yields this process's part of each batch of another, in ``n_parts`` parts.

    Parts are of equal size, give or take one image. The batch is drawn and augmented as a whole, so that its parts hold
    the same pixels. A last batch of fewer images than parts comes one by one; a process for which it holds none gets
    its first image, which counts for nothing. Beside the batch's own keys, a part holds ``share``: its share of the
    batch's class weight times ``n_parts``, by which an engine divides that accumulates gradients.

    Args:
        batches: the loader of whole batches, the same in every process.
        n_parts: parts of this process's part of a batch, at least 1.
        class_weights: the loss's, shape ``(n_classes,)``, on the batches' device.
        rank: which of ``n_processes`` this is.
        n_processes: how many share a batch.

    Raises:
        ConfigurationError: if a batch has fewer images than parts.
    """

    def __init__(
        self, batches: Batches, n_parts: int, class_weights: Tensor, *, rank: int = 0, n_processes: int = 1
    ) -> None:
        if n_parts * n_processes > batches.batch_size:
            processes = f" in {n_processes} processes" if n_processes > 1 else ""
            raise ConfigurationError(
                f"accumulation_steps is {n_parts} for batches of {batches.batch_size} images{processes}. "
                "A micro-batch holds at least one image: give larger batches, fewer steps or fewer processes."
            )
        self.batches, self.n_parts, self.class_weights = batches, n_parts, class_weights
        self.rank, self.n_processes = rank, n_processes

    def __len__(self) -> int:
        n_full, n_left = divmod(self.batches.n_images, self.batches.batch_size)
        return n_full * self.n_parts + (self._n_parts_of(n_left) if n_left else 0)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for batch in self.batches:
            whole = self.class_weights[batch["label"]].sum()
            own = {key: values.tensor_split(self.n_processes)[self.rank] for key, values in batch.items()}
            counts = len(own["label"]) > 0
            if not counts:  # every process takes every step
                own = {key: values[:1] for key, values in batch.items()}
            n_parts = self._n_parts_of(len(batch["label"]))
            parts = {key: values.tensor_split(n_parts) for key, values in own.items()}
            for number, labels in enumerate(parts["label"]):
                share = self.class_weights[labels].sum() / whole * self.n_parts * counts
                yield {**{key: values[number] for key, values in parts.items()}, _SHARE: share}

    def _n_parts_of(self, n_images: int) -> int:
        n_own = n_images // self.n_processes + (self.rank < n_images % self.n_processes)
        return max(1, min(self.n_parts, n_own))


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
