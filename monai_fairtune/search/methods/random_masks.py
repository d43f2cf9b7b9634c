"""Masks by coin flips."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from monai_fairtune.search.methods.method import Direction, Observation, Proposal, SearchMethod
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.space import LEARNING_RATE, SearchSpace

__all__ = ["RandomMethod"]


class RandomMethod(SearchMethod):
    """Draws each bit with probability one half and the learning rate evenly on its log scale, and learns nothing."""

    name = "random"
    advice = "To see what a search gains over chance, or to sample masks without favour."
    takes_several_objectives = True

    @property
    def description(self) -> str:
        """What is drawn, for the report."""
        return "random masks (each bit with probability 0.5, log-uniform learning rate)"

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],  # noqa: ARG002
        directions: Sequence[Direction],  # noqa: ARG002
        *,
        seed: int,
        attempt: int = 0,
    ) -> Proposal | None:
        """See :meth:`SearchMethod.propose`; never None."""
        rng = np.random.default_rng(derive_seed(seed, self.name, attempt))
        names = space.partition.searchable
        bits = rng.integers(0, 2, len(names))
        low, high = space.learning_rates
        rate = min(max(math.exp(rng.uniform(math.log(low), math.log(high))), low), high)  # exp(log(x)) is not quite x
        return Proposal({**{name: bool(bit) for name, bit in zip(names, bits, strict=True)}, LEARNING_RATE: rate})
