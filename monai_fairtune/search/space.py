"""The masks and learning rates that a study may draw, as Optuna's parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from monai_fairtune.masks import Mask, Partition

__all__ = ["LEARNING_RATE", "SearchSpace"]

LEARNING_RATE = "learning_rate"
"""The name of the learning rate among a trial's parameters."""


class SearchSpace:
    """Mask bits, as categorical parameters named like their components, and the learning rate on a log scale.

    Args:
        partition: whose searchable components are the bits.
        learning_rates: lowest and highest learning rate.
    """

    def __init__(self, partition: Partition, learning_rates: tuple[float, float]) -> None:
        self.partition = partition
        self.learning_rates = learning_rates
        self.distributions: dict[str, BaseDistribution] = {
            name: CategoricalDistribution((False, True)) for name in partition.searchable
        }
        self.distributions[LEARNING_RATE] = FloatDistribution(*learning_rates, log=True)

    @property
    def n_masks(self) -> int:
        """How many masks there are."""
        return int(2 ** len(self.partition.searchable))

    @property
    def middle_learning_rate(self) -> float:
        """The geometric mean of the lowest and the highest learning rate."""
        return math.sqrt(self.learning_rates[0] * self.learning_rates[1])

    def parameters(self, mask: Mask, learning_rate: float) -> dict[str, Any]:
        """Returns a mask and a learning rate as Optuna's parameters."""
        return {**mask.components, LEARNING_RATE: learning_rate}

    def mask(self, parameters: Mapping[str, Any]) -> Mask:
        """Returns the mask that parameters describe."""
        return self.partition.mask([name for name in self.partition.searchable if parameters[name]])
