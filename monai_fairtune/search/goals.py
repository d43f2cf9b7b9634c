"""What a search optimises: objectives on predictions, and what is known of a mask without any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import Mask
from monai_fairtune.objectives import Objective
from monai_fairtune.predictions import Predictions

__all__ = ["TRAINED_SHARE", "Goals"]

TRAINED_SHARE = "trained_share"
"""The name of the share of parameters that a mask tunes, as a goal to be made small."""


@dataclass(frozen=True)
class Goals:
    """The objective that decides, and further ones that span a Pareto front with it.

    Args:
        first: decides which epoch is kept, which trials go on, and which finalist is chosen.
        further: objectives, or ``"trained_share"``.

    Raises:
        ConfigurationError: if a goal is named twice.
    """

    first: Objective
    further: tuple[Objective | Literal["trained_share"], ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ConfigurationError(f"The objectives are {list(self.names)}. Name each once.")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all goals, the deciding one first."""
        return tuple(goal if isinstance(goal, str) else goal.name for goal in (self.first, *self.further))

    @property
    def directions(self) -> Sequence[Literal["minimize", "maximize"]]:
        """The direction of each goal."""
        return tuple("minimize" if isinstance(goal, str) else goal.direction for goal in (self.first, *self.further))

    def values(self, first: float, mask: Mask, predictions: Predictions) -> tuple[float, ...]:
        """Returns the value of each goal; ``first`` is known already.

        Raises:
            UndefinedMetricError: if the split does not define one of them.
        """
        further = [mask.trained_share if isinstance(goal, str) else goal.evaluate(predictions) for goal in self.further]
        return (first, *further)
