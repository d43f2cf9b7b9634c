"""Screening finds what scores high, asks for no mask twice, and always finds the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import Mask
from monai_fairtune.objectives import AUROCGap, Objective, WorstGroupAUROC
from monai_fairtune.predictions import Predictions
from monai_fairtune.screening import ScreenedMask, screen_masks
from monai_fairtune.testing.function_tuner import Job
from tests.search import worlds

WORLD = worlds.world(worlds.planted)
SPACE = worlds.partition()


def blend(masks: Sequence[Mask]) -> list[Predictions]:
    return [WORLD(Job(mask.tuned, 1e-4, 1), 3, "validation") for mask in masks]


class Counted:
    """Counts how often each mask is asked for."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def __call__(self, masks: Sequence[Mask]) -> list[Predictions]:
        self.keys += [mask.key for mask in masks]
        return blend(masks)


def screened(
    n_masks: int = 64,
    objective: Objective | None = None,
    *,
    seed: int = 0,
    utility_margin: float = 0.02,
    max_trained_share: float = 1.0,
) -> list[ScreenedMask]:
    return screen_masks(
        blend,
        SPACE,
        objective or WorstGroupAUROC(["age:60"]),
        n_masks=n_masks,
        seed=seed,
        utility_margin=utility_margin,
        max_trained_share=max_trained_share,
    )


def test_rounds_of_neighbours_come_close_to_the_planted_mask() -> None:
    best = screened(200)[0].mask
    assert len(best.tuned ^ worlds.PLANTED) <= 1


def test_a_small_space_is_scored_whole() -> None:
    space = worlds.partition(5)
    found = screen_masks(blend, space, WorstGroupAUROC(["age:60"]), n_masks=32, seed=0)
    assert len({one.mask.key for one in found}) == 32


@pytest.mark.parametrize("n_masks", [2, 17, 64])
def test_no_more_masks_are_scored_than_asked_for_and_none_twice(n_masks: int) -> None:
    counted = Counted()
    found = screen_masks(counted, SPACE, WorstGroupAUROC(["age:60"]), n_masks=n_masks, seed=0)
    assert len(counted.keys) == len(set(counted.keys)) == len(found) == n_masks


def test_a_seed_repeats_itself_and_another_one_does_not() -> None:
    keys = [[one.mask.key for one in screened(seed=seed)] for seed in (3, 3, 4)]
    assert keys[0] == keys[1] != keys[2]


def test_masks_with_too_low_utility_come_last_whatever_their_objective() -> None:
    found = screened(objective=AUROCGap(["age:60"]), utility_margin=0.01)
    floor = max(one.overall_auroc for one in found) - 0.01
    reaches = [one.overall_auroc >= floor for one in found]
    assert reaches == sorted(reaches, reverse=True)
    assert not all(reaches)
    values = [one.value for one, good in zip(found, reaches, strict=True) if good]
    assert values == sorted(values)


def test_masks_above_the_largest_trained_share_are_not_scored() -> None:
    assert max(one.mask.trained_share for one in screened(max_trained_share=0.4)) <= 0.4


def test_fewer_than_two_masks_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="1 masks are to be screened"):
        screened(1)
