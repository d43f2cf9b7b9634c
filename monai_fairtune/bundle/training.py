"""The parts of the training config that MONAI does not bring."""

from __future__ import annotations

from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import TerminateOnNan

from monai_fairtune.cohort import Cohort
from monai_fairtune.exceptions import TuningError, find_error
from monai_fairtune.tuning import balanced_class_weights

__all__ = ["RaisePlainly", "StopOnNan", "attribute_names", "class_weights"]


def class_weights(cohort: Cohort, device: torch.device) -> torch.Tensor:
    """Returns the weights of the loss, from the training split: the same as in the search."""
    return balanced_class_weights(cohort.labels[cohort.indices("train")]).to(device)


def attribute_names(cohort: Cohort) -> dict[str, list[str]]:
    """Returns each attribute's subgroups, as a ``FairnessEvaluator`` asks for them."""
    return {name: list(group.names) for name, group in cohort.subgroups.items()}


class RaisePlainly:
    """A handler that comes before ``StatsHandler``, which would log a traceback of what has its own sentence."""

    def attach(self, engine: Engine) -> None:
        """Raises this package's errors, and interruptions, before other handlers hear of them."""
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._raise)

    @staticmethod
    def _raise(_: Engine, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt) or find_error(error) is not None:
            raise error


class StopOnNan:
    """Ignite's ``TerminateOnNan`` as a handler that MONAI attaches, which then also fails the run.

    Raises:
        TuningError: when the trainer has stopped, if its last loss is not finite.
    """

    def attach(self, engine: Engine) -> None:
        """Watches the loss of every iteration."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, TerminateOnNan(output_transform=_loss))

    @staticmethod
    def check(engine: Engine) -> None:
        """Raises if the last loss is not finite."""
        loss = float(_loss(engine.state.output))
        if loss - loss != 0:
            raise TuningError(
                f"Training diverged in epoch {engine.state.epoch}: the loss is {loss}. Lower learning_rate."
            )


def _loss(output: Any) -> torch.Tensor:
    loss: torch.Tensor = (output[0] if isinstance(output, list) else output)["loss"]
    return loss
