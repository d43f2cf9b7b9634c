"""What is trained next: a mask that was not trained before and that the settings allow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_fairtune.masks import Mask
from monai_fairtune.search.methods import Direction, Observation, SearchMethod
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.space import LEARNING_RATE, SearchSpace

__all__ = ["NewMask", "propose_mask"]

_MOST_DUPLICATES = 20
_MOST_STEPS = 10_000


@dataclass(frozen=True)
class NewMask:
    """A mask to train, its learning rate, what the method said, and how many proposals before it were of no use."""

    mask: Mask
    learning_rate: float
    notes: dict[str, Any]
    n_duplicates: int


def propose_mask(
    method: SearchMethod,
    space: SearchSpace,
    history: Sequence[Observation],
    directions: Sequence[Direction],
    *,
    seen: Collection[str],
    number: int,
    settings: SearchSettings,
) -> NewMask | None:
    """Returns a mask that was not trained before and tunes no more than it may; None if there is no such mask left.

    Args:
        method: proposes.
        space: of masks and learning rates.
        history: what the method may know.
        directions: of each objective.
        seen: keys of the masks trained, or under way.
        number: of the trial; it fixes the draw.
        settings: the seed and the largest trained share.
    """
    limit = 1.0 if settings.max_trained_share is None else settings.max_trained_share
    if len(seen) >= space.n_masks or space.partition.head_only().trained_share > limit:
        return None
    for attempt in range(_MOST_DUPLICATES + 1):
        seed = derive_seed(settings.seed, "sampler", number, attempt)
        proposal = method.propose(space, history, directions, seed=seed, attempt=attempt)
        if proposal is None:
            return None
        mask, notes = space.mask(proposal.parameters), dict(proposal.notes)
        rate = float(proposal.parameters[LEARNING_RATE])
        if mask.key not in seen and mask.trained_share <= limit:
            return NewMask(mask, rate, notes, attempt)
        if attempt == _MOST_DUPLICATES:
            rng = np.random.default_rng(derive_seed(settings.seed, "neighbour", number))
            found = _neighbour(mask, seen, limit, rng)
            return None if found is None else NewMask(found, rate, notes, attempt)
    return None


def _neighbour(mask: Mask, seen: Collection[str], limit: float, rng: np.random.Generator) -> Mask | None:
    """Flips bits, away from the mask that the method insists on; above the limit, bits are only switched off."""
    for _ in range(_MOST_STEPS):
        bits = list(mask.bits)
        flippable = [place for place, bit in enumerate(bits) if bit or mask.trained_share <= limit]
        place = int(rng.choice(flippable))
        bits[place] = not bits[place]
        mask = mask.partition.mask_from_bits(bits)
        if mask.key not in seen and mask.trained_share <= limit:
            return mask
    return None
