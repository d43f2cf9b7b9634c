"""Which of many masks look best, by scores that cost forward passes only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.metrics import auroc
from monai_fairtune.objectives import Objective
from monai_fairtune.predictions import Predictions

__all__ = ["ScreenedMask", "screen_masks"]

_MOST_DRAWS = 50
_PARENTS = 8


@dataclass(frozen=True)
class ScreenedMask:
    """A mask and what screening expects of it; a training may say otherwise.

    Args:
        mask: the mask.
        value: the objective on validation, without a training of this mask.
        overall_auroc: likewise.
    """

    mask: Mask
    value: float
    overall_auroc: float


def screen_masks(
    blend: Callable[[Sequence[Mask]], Sequence[Predictions]],
    partition: Partition,
    objective: Objective,
    *,
    n_masks: int,
    seed: int,
    utility_margin: float = 0.02,
    max_trained_share: float = 1.0,
) -> list[ScreenedMask]:
    """Scores masks and returns them, the most promising first.

    A space of at most ``n_masks`` masks is scored whole. Of a larger one, half of the masks are drawn, with from no to
    all components tuned; then, in rounds, the neighbours of the best so far: those that differ in one component.

    Args:
        blend: returns predictions for the validation split of each mask, as ``SupervisedTuner.blend`` does.
        partition: the search space.
        objective: what to optimise.
        n_masks: how many to score at most, at least 2.
        seed: of the draw.
        utility_margin: masks whose overall AUROC is lower than the highest one by more come last.
        max_trained_share: masks that tune more are not scored.

    Raises:
        ConfigurationError: if ``n_masks`` is too small.
    """
    if n_masks < 2:
        raise ConfigurationError(f"{n_masks} masks are to be screened. Give 2 or more.")
    rng = np.random.default_rng(seed)
    found: dict[str, ScreenedMask] = {}

    def score(masks: Sequence[Mask]) -> None:
        new = list({mask.key: mask for mask in masks if mask.key not in found}.values())
        allowed = [mask for mask in new if mask.trained_share <= max_trained_share][: n_masks - len(found)]
        for mask, predictions in zip(allowed, blend(allowed) if allowed else (), strict=True):
            utility = auroc(predictions.labels, predictions.scores)
            found[mask.key] = ScreenedMask(mask, objective.evaluate(predictions), utility)

    n_bits = len(partition.searchable)
    if 2**n_bits <= n_masks:
        score([partition.mask_from_bits([number >> bit & 1 for bit in range(n_bits)]) for number in range(2**n_bits)])
        return _ranked(found, objective, utility_margin)
    score(_drawn(partition, n_masks // 2, rng))
    while len(found) < n_masks:
        n_before = len(found)
        best = [one.mask for one in _ranked(found, objective, utility_margin)[:_PARENTS]]
        score(_neighbours(best, max(_PARENTS, n_masks // 8), rng))
        if len(found) == n_before:
            break
    return _ranked(found, objective, utility_margin)


def _drawn(partition: Partition, n_masks: int, rng: np.random.Generator) -> list[Mask]:
    """Draws masks with all numbers of tuned components, from none to all of them."""
    n_bits = len(partition.searchable)
    found = {mask.key: mask for mask in (partition.head_only(), partition.all_tuned())}
    for _ in range(_MOST_DRAWS * n_masks):
        if len(found) >= n_masks:
            break
        bits = np.zeros(n_bits, dtype=bool)
        bits[rng.permutation(n_bits)[: rng.integers(1, n_bits)]] = True
        mask = partition.mask_from_bits(bits.tolist())
        found.setdefault(mask.key, mask)
    return list(found.values())[:n_masks]


def _neighbours(masks: Sequence[Mask], n_most: int, rng: np.random.Generator) -> list[Mask]:
    """Draws from the masks that differ from one of these in one component."""
    names = masks[0].partition.searchable
    everything = [mask.partition.mask(mask.tuned ^ {name}) for mask in masks for name in names]
    return [everything[place] for place in rng.permutation(len(everything))[:n_most]]


def _ranked(found: dict[str, ScreenedMask], objective: Objective, margin: float) -> list[ScreenedMask]:
    floor = max(one.overall_auroc for one in found.values()) - margin
    return sorted(
        found.values(),
        key=lambda one: (one.overall_auroc < floor, -objective.score(one.value), one.mask.key),
    )
