"""What an objective is, and what one that compares subgroups has in common with the others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics import Value, by_subgroup
from monai_fairtune.predictions import Predictions

__all__ = ["Objective", "SubgroupObjective"]


class Objective(ABC):
    """One number from the predictions on a whole validation split, and which way it should go.

    A subclass sets the class attributes and implements ``evaluate``.

    Attributes:
        name: as configurations spell it.
        direction: ``"maximize"`` or ``"minimize"``.
        note: a caution that users see when they choose it; empty where there is none.

    Args:
        attributes: declarations of the sensitive attributes, as keys of ``Predictions.subgroups``.

    Raises:
        ConfigurationError: if an attribute is given twice.
    """

    name: ClassVar[str]
    direction: ClassVar[Literal["maximize", "minimize"]]
    note: ClassVar[str] = ""

    def __init__(self, attributes: Sequence[str]) -> None:
        self.attributes = (attributes,) if isinstance(attributes, str) else tuple(attributes)
        if len(set(self.attributes)) != len(self.attributes):
            raise ConfigurationError(
                f"Objective {self.name!r} was given the attributes {list(self.attributes)}. Give each once."
            )

    @abstractmethod
    def evaluate(self, predictions: Predictions) -> float:
        """Returns the objective's value on a whole split.

        Args:
            predictions: all images of the split; never a batch.

        Raises:
            UndefinedMetricError: if the split does not define it, with the reason.
            PredictionsError: if an attribute is not among the predictions' subgroups.
        """

    def score(self, value: float) -> float:
        """Returns the value turned so that larger is better, for comparing without asking for the direction."""
        return value if self.direction == "maximize" else -value


class SubgroupObjective(Objective):
    """An objective that compares subgroups.

    With several attributes, the worst subgroup is sought over the subgroups of all of them, and a gap is the largest
    of the attributes' gaps. Images without a recorded value are outside. A subgroup is never left out because it is
    inconvenient: where one has no value, neither has the objective.

    Raises:
        ConfigurationError: as well if there is no attribute.
    """

    def __init__(self, attributes: Sequence[str]) -> None:
        super().__init__(attributes)
        if not self.attributes:
            raise ConfigurationError(
                f"Objective {self.name!r} compares subgroups and was given no attribute. Give one, such as 'sex'."
            )

    def by_subgroup(
        self, predictions: Predictions, measure: Callable[[NDArray[np.bool_]], float]
    ) -> list[dict[str, Value]]:
        """Returns a measure of every subgroup, one mapping an attribute.

        Args:
            predictions: all images of the split.
            measure: as ``metrics.by_subgroup`` takes it.

        Raises:
            PredictionsError: if an attribute is not among the predictions' subgroups.
        """
        absent = [name for name in self.attributes if name not in predictions.subgroups]
        if absent:
            raise PredictionsError(
                f"Objective {self.name!r} needs the attributes {absent}; the predictions have "
                f"{list(predictions.subgroups)}. Declare the same attributes for both."
            )
        return [by_subgroup(predictions.subgroups[name], measure) for name in self.attributes]
