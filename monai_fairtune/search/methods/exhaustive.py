"""Every mask of a small space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.methods.method import Direction, Observation, Proposal, SearchMethod
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.space import LEARNING_RATE, SearchSpace

__all__ = ["ExhaustiveMethod"]

_MOST_BITS = 12
_POSITION = "position"


class ExhaustiveMethod(SearchMethod):
    """Proposes every mask once, at the middle learning rate, in an order that the seed given here fixes.

    Each proposal notes its position in that order. The next one is the first position after all that are known,
    and one further an attempt.

    Args:
        order_seed: fixes the order.
    """

    name = "exhaustive"
    advice = "For small spaces, up to some hundred masks: misses no mask, learns nothing of the learning rate."
    takes_several_objectives = True

    def __init__(self, order_seed: int = 0) -> None:
        self.order_seed = order_seed

    @property
    def description(self) -> str:
        """What is proposed, for the report."""
        return f"every mask once, in a random order (seed {self.order_seed}), at the middle learning rate"

    def check(self, space: SearchSpace, directions: Sequence[Direction]) -> None:
        """Refuses spaces of more than 4096 masks.

        Raises:
            ConfigurationError: naming the number of components.
        """
        super().check(space, directions)
        n_bits = len(space.partition.searchable)
        if n_bits > _MOST_BITS:
            raise ConfigurationError(
                f"Search space {space.partition.name!r} has {n_bits} searchable components, hence 2^{n_bits} masks, "
                f"and method 'exhaustive' takes at most {_MOST_BITS}. Choose method 'tpe', or a coarser search space."
            )

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        directions: Sequence[Direction],
        *,
        seed: int,  # noqa: ARG002 one a trial, and the order is one for all
        attempt: int = 0,
    ) -> Proposal | None:
        """See :meth:`SearchMethod.propose`; None when every mask was proposed."""
        self.check(space, directions)
        position = max((int(one.notes.get(_POSITION, -1)) for one in history), default=-1) + 1 + attempt
        if position >= space.n_masks:
            return None
        order = np.random.default_rng(derive_seed(self.order_seed, self.name)).permutation(space.n_masks)
        names = space.partition.searchable
        bits = {name: bool(int(order[position]) >> place & 1) for place, name in enumerate(names)}
        return Proposal({**bits, LEARNING_RATE: space.middle_learning_rate}, {_POSITION: position})
