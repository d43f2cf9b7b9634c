"""The gradient of a whole batch, of which each process has a part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from ignite.engine import Events
from monai.engines import IterationEvents, SupervisedTrainer
from torch import Tensor, nn

from monai_fairtune.tuning.accumulation import ends_step
from monai_fairtune.tuning.team import Team

__all__ = ["SummedGradients"]


class SummedGradients:
    """A handler that adds up the processes' gradients before each optimizer step, and levels buffers after each epoch.

    All gradients are views into one buffer, which is added up in place by one call. ``DistributedDataParallel`` would
    do so during the backward pass, where nobody can be told that a process failed: the others would wait for it.

    Args:
        team: of processes.
        parameters: that are trained. Those without a gradient after the first step are left alone, as by optimizers.
        buffers: that training changes, such as running statistics: at the end of an epoch all take the leader's.
    """

    def __init__(self, team: Team, parameters: Sequence[nn.Parameter], buffers: Sequence[Tensor]) -> None:
        self.team, self.parameters, self.buffers = team, parameters, buffers
        self._all: Tensor | None = None

    def attach(self, trainer: SupervisedTrainer) -> None:
        """Listens to a trainer, which must zero gradients in place, as MONAI's does by default."""
        trainer.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self._add_up)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda _: self.team.copy_leader(self.buffers))

    def _add_up(self, trainer: SupervisedTrainer) -> None:
        if ends_step(trainer):
            if self._all is None:
                self._all = self._in_one_buffer()
            self.team.add_up(self._all)

    def _in_one_buffer(self) -> Tensor:
        """Returns all gradients, which from now on are accumulated in there."""
        trained = [(parameter, parameter.grad) for parameter in self.parameters if parameter.grad is not None]
        whole = torch.cat([gradient.flatten() for _, gradient in trained])
        parts = torch.split(whole, [gradient.numel() for _, gradient in trained])
        for (parameter, gradient), part in zip(trained, parts, strict=True):
            parameter.grad = part.view(gradient.shape)
        return whole
