from __future__ import annotations

import logging

import pytest
import torch

from monai_fairtune.cohort import (
    CachedImages,
    Cohort,
    MappedSplit,
    ResidentSplit,
    hold_splits,
)
from monai_fairtune.exceptions import SplitError


def test_splits_are_in_memory_if_all_of_them_fit_and_else_none_is(cohort: Cohort, cached: CachedImages) -> None:
    needed = cohort.n * 3 * 16 * 16 * 2
    for memory, kind in ((needed, ResidentSplit), (needed - 1, MappedSplit), (0, MappedSplit)):
        held = hold_splits(cohort, cached, memory=memory)
        assert list(held) == list(cohort.split_names)
        assert {type(split) for split in held.values()} == {kind}


def test_only_the_splits_that_are_asked_for_count(cohort: Cohort, cached: CachedImages) -> None:
    needed = len(cohort.indices("test")) * 3 * 16 * 16 * 2
    assert isinstance(hold_splits(cohort, cached, ["test"], memory=needed)["test"], ResidentSplit)


def test_on_a_processor_the_files_pages_are_the_memory(
    cohort: Cohort, cached: CachedImages, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        held = hold_splits(cohort, cached)
    assert {type(split) for split in held.values()} == {MappedSplit}
    assert not caplog.messages


def test_it_is_said_once_that_images_do_not_fit(
    cohort: Cohort, cached: CachedImages, caplog: pytest.LogCaptureFixture
) -> None:
    hold_splits(cohort, cached, memory=1000)
    assert caplog.messages == [
        "Images take 0.0 GB, more than the 0.0 GB that they may take on cpu, and are read from the cache's file."
    ]


def test_an_unknown_split_is_refused(cohort: Cohort, cached: CachedImages) -> None:
    with pytest.raises(SplitError, match="There is no split 'holdout'"):
        hold_splits(cohort, cached, ["holdout"])


def test_images_that_need_more_than_half_of_a_gpus_free_memory_are_mapped(
    cohort: Cohort, cached: CachedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2 * cached.array.nbytes - 2, 10**12))
    held = hold_splits(cohort, cached, device="cuda")
    assert {type(split) for split in held.values()} == {MappedSplit}
    assert {split.device.type for split in held.values()} == {"cuda"}


def test_processes_that_share_a_gpu_take_their_parts_of_it_although_each_sees_all_of_it_free(
    cohort: Cohort, cached: CachedImages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    needed = cached.array.nbytes
    for free, total, n_sharing in ((6 * needed, 6 * needed - 6, 3), (2 * needed - 2, 9 * needed, 3)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, memory=(free, total): memory)
        held = hold_splits(cohort, cached, device="cuda", n_sharing=n_sharing)
        assert {type(split) for split in held.values()} == {MappedSplit}
    assert len(caplog.messages) == 2


@pytest.mark.gpu
def test_images_that_fit_into_half_of_a_gpus_free_memory_lie_there(
    cohort: Cohort, cached: CachedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2 * cached.array.nbytes, 10**12))
    for split in hold_splits(cohort, cached, device="cuda").values():
        assert isinstance(split, ResidentSplit)
        assert split.images.is_cuda
