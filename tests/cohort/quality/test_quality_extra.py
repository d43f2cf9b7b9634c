"""ImageHash is an extra: what happens with it, without it, and with a distance out of range."""

from __future__ import annotations

import pytest

from monai_fairtune.cohort.quality import near_duplicates
from monai_fairtune.cohort.quality.near_duplicates import MAX_DISTANCE, checked_distance
from monai_fairtune.exceptions import ConfigurationError


def test_alike_images_are_searched_for_by_default() -> None:
    assert checked_distance(None) == MAX_DISTANCE
    assert checked_distance(0) == 0


def test_without_the_extra_the_default_is_no_search_and_an_explicit_wish_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(near_duplicates, "can_hash", lambda: False)
    assert checked_distance(None) is None
    with pytest.raises(ConfigurationError, match=r"pip install 'monai-fairtune\[quality\]'"):
        checked_distance(10)


@pytest.mark.parametrize("asked", [-1, 25, 200])
def test_a_distance_out_of_range_is_refused(asked: int) -> None:
    with pytest.raises(ConfigurationError, match=f"near_duplicates is {asked}.*from 0 to 24"):
        checked_distance(asked)
