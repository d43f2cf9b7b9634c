"""The parts of the training config that MONAI does not bring."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from monai.engines import IterationEvents

from monai_fairtune.cohort import Cohort
from monai_fairtune.exceptions import find_error
from monai_fairtune.tuning import balanced_class_weights

__all__ = ["ListedOutput", "RaisePlainly", "attribute_names", "class_weights"]


def class_weights(cohort: Cohort, device: torch.device) -> torch.Tensor:
    """Returns the weights of the loss, from the training split: the same as in the search."""
    return balanced_class_weights(cohort.labels[cohort.indices("train")]).to(device)


def attribute_names(cohort: Cohort) -> dict[str, list[str]]:
    """Returns each attribute's subgroups, as a ``FairnessEvaluator`` asks for them."""
    return {name: list(group.names) for name, group in cohort.subgroups.items()}


class ListedOutput:
    """A handler that hands a trainer's output on as a list of one, where MONAI's handlers expect a decollated list.

    To decollate a batch, MONAI reads the loss from the device in every step, and the next step waits for it.
    """

    def attach(self, engine: Engine) -> None:
        """Changes the output before handlers of an iteration's end see it."""
        engine.add_event_handler(IterationEvents.MODEL_COMPLETED, self._list)

    @staticmethod
    def _list(engine: Engine) -> None:
        engine.state.output = [engine.state.output]


class RaisePlainly:
    """A handler that comes before ``StatsHandler``, which would log a traceback of what has its own sentence."""

    def attach(self, engine: Engine) -> None:
        """Raises this package's errors, and interruptions, before other handlers hear of them."""
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._raise)

    @staticmethod
    def _raise(_: Engine, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt) or find_error(error) is not None:
            raise error
