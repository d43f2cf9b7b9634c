from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import (
    CachedImages,
    Cohort,
    HeldSplit,
    ResidentRows,
    hold_splits,
)
from monai_fairtune.exceptions import SplitError


@pytest.fixture(params=[0, 1e9], ids=["mapped", "resident"])
def splits(cohort: Cohort, cached: CachedImages, request: pytest.FixtureRequest) -> list[HeldSplit]:
    held = hold_splits(cohort, cached, ("train", "validation", "test"), memory=request.param)
    return list(held.values())


@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_of_several_splits_are_those_of_the_cohort(
    cohort: Cohort, cached: CachedImages, splits: list[HeldSplit], *, shuffle: bool
) -> None:
    everything = np.flatnonzero(cohort.splits != "selection")
    chosen = np.random.default_rng(0).permutation(everything)[:37]
    rows = ResidentRows(splits, chosen, "a choice")
    seen = []
    for batch in rows.batches(5, shuffle=shuffle, seed=1):
        index = batch["index"].numpy()
        seen += index.tolist()
        assert batch["image"].dtype == torch.float32
        assert np.array_equal(batch["image"].numpy(), cached.array[index].astype(np.float32))
        assert np.array_equal(batch["label"].numpy(), cohort.labels[index])
        assert np.array_equal(batch["group"][:, 1].numpy(), cohort.subgroups["age:60"].codes[index])
    assert sorted(seen) == sorted(chosen.tolist())
    assert (seen == chosen.tolist()) is not shuffle


def test_rows_of_several_splits_hold_no_copy_of_images(cohort: Cohort, splits: list[HeldSplit]) -> None:
    rows = ResidentRows(splits, np.flatnonzero(cohort.splits == "train"), "a choice")
    own = [value for value in vars(rows).values() if isinstance(value, torch.Tensor)]
    assert own
    assert max(value.numel() for value in own) <= len(rows) * len(cohort.subgroups)
    assert all(held is split for held, split in zip(rows.splits, splits, strict=True))


def test_rows_that_no_split_holds_are_refused(cohort: Cohort, splits: list[HeldSplit]) -> None:
    n_selection = len(cohort.indices("selection"))
    with pytest.raises(SplitError, match=rf"{n_selection} of {cohort.n} images of a choice are in none of the splits"):
        ResidentRows(splits, np.arange(cohort.n), "a choice")
