"""An epoch's training loss, added up where it is computed."""

from __future__ import annotations

import math
from typing import Any

import torch
from ignite.engine import Engine, Events

from monai_fairtune.exceptions import TuningError

__all__ = ["EpochLoss"]

_INTERVAL = 50  # iterations from one look to the next


class EpochLoss:
    """Adds up the losses of an epoch on the device, and ends a training whose loss is not finite.

    The host looks at the sum every 50 iterations and at the end of the epoch only: a look waits for the device to have
    done all that it was asked for, and the next batches wait for the look. A sum stays infinite or NaN once it is, so
    that no divergence is overlooked.

    Args:
        device: where the loss lies.
    """

    def __init__(self, device: torch.device) -> None:
        self._sum = torch.zeros((), device=device)
        self.value = 0.0

    def attach(self, trainer: Engine) -> None:
        """Listens to a trainer of MONAI; ``value`` is the sum when the handlers attached later hear of an epoch's end.

        Raises:
            TuningError: from the trainer's ``run``, if the sum is not finite at a look.
        """
        trainer.add_event_handler(Events.EPOCH_STARTED, lambda _: self._sum.zero_())
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._look)

    def _add(self, trainer: Engine) -> None:
        output: Any = trainer.state.output
        self._sum += (output[0] if isinstance(output, list) else output)["loss"].detach()
        if trainer.state.iteration % _INTERVAL == 0:
            self._look(trainer)

    def _look(self, trainer: Engine) -> None:
        self.value = float(self._sum)
        if not math.isfinite(self.value):
            raise TuningError(
                f"Training diverged in epoch {trainer.state.epoch}: the loss is {self.value}. Lower the learning rate."
            )
