from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import (
    CachedImages,
    Cohort,
    DefaultAugmentation,
    MappedSplit,
    ResidentRows,
    hold_splits,
)
from monai_fairtune.cohort.resident import Resident

Held = Callable[[float], Resident]
needs_advice = pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="no posix_fadvise")


@pytest.fixture(params=["split", "fold"])
def held(cohort: Cohort, cached: CachedImages, request: pytest.FixtureRequest) -> Held:
    """Returns images of the same rows, resident if 1e9 bytes are allowed, and mapped if none is."""

    def hold(memory: float) -> Resident:
        splits = hold_splits(cohort, cached, memory=memory)
        if request.param == "split":
            return splits["train"]
        rows = np.flatnonzero(cohort.folds(3) == 1)
        return ResidentRows([splits["train"], splits["validation"]], rows, "a fold")

    return hold


@pytest.mark.parametrize("world_size", [1, 3])
@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_conformance_batches_from_the_file_equal_those_from_memory_to_the_bit(
    held: Held, *, shuffle: bool, augment: bool, world_size: int
) -> None:
    def run(memory: float) -> list[dict[str, torch.Tensor]]:
        shards = [
            held(memory).batches(
                5, shuffle=shuffle, seed=3, rank=rank, world_size=world_size,
                augmentation=DefaultAugmentation() if augment else None,
            )
            for rank in range(world_size)
        ]  # fmt: skip
        return [batch for _ in range(2) for shard in shards for batch in shard]

    mapped, resident = run(0), run(1e9)
    assert len(mapped) == len(resident) > 2
    for one, other in zip(mapped, resident, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) and one[key].dtype == other[key].dtype for key in one)


def test_a_mapped_split_holds_no_image(cohort: Cohort, cached: CachedImages) -> None:
    split = MappedSplit(cohort, cached, "train")
    arrays = [np.asarray(value) for value in vars(split).values() if isinstance(value, (np.ndarray, torch.Tensor))]
    own = [array for array in arrays if not np.shares_memory(array, cached.array)]
    assert len(own) < len(arrays)
    assert max(array.size for array in own) <= len(split) * len(cohort.subgroups)


def test_rows_outside_a_mapped_split_are_refused_and_not_another_image(cohort: Cohort, cached: CachedImages) -> None:
    split = MappedSplit(cohort, cached, "train")
    with pytest.raises(IndexError):
        split.gather(torch.tensor([len(split)]))


def test_no_rows_are_no_images(held: Held) -> None:
    for memory in (0, 1e9):
        assert held(memory).gather(torch.empty(0, dtype=torch.int64)).shape == (0, 3, 16, 16)


@needs_advice
def test_the_disk_is_told_of_every_image_one_batch_before_it_is_read(
    held: Held, cached: CachedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, start, n_bytes, __: told.append((start, n_bytes)))
    images = held(0)
    seen: list[torch.Tensor] = []
    for batch in images.batches(5, shuffle=True, seed=1):
        seen.append(batch["index"])
        assert len(told) == min(5 * (len(seen) + 1), len(images))
    size, header = cached.array[0].nbytes, cached.path.stat().st_size - cached.array.nbytes
    assert sorted(told) == [(header + row * size, size) for row in torch.cat(seen).sort().values.tolist()]


@needs_advice
def test_a_file_system_that_takes_no_advice_is_read_all_the_same(
    cohort: Cohort, cached: CachedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "posix_fadvise", refuse)
    split = MappedSplit(cohort, cached, "train")
    assert sum(len(batch["image"]) for batch in split.batches(5, shuffle=True)) == len(split)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_a_mapped_split_closes_its_file_when_nobody_uses_it(cohort: Cohort, cached: CachedImages) -> None:
    def n_open() -> int:
        gc.collect()
        return sum(file.resolve() == cached.path.resolve() for file in Path("/proc/self/fd").iterdir())

    before = n_open()
    split = MappedSplit(cohort, cached, "train")
    assert n_open() == before + 1
    del split
    assert n_open() == before


def test_images_in_an_ordinary_array_can_be_held_too(cohort: Cohort, cached: CachedImages) -> None:
    copy = CachedImages(np.array(cached.array), cached.key, cached.path, cached.preprocessing, decoded=False)
    split = MappedSplit(cohort, copy, "test")
    assert torch.equal(split.gather(slice(None)), MappedSplit(cohort, cached, "test").gather(slice(None)))


@pytest.mark.gpu
def test_conformance_batches_from_the_file_arrive_on_the_gpu_as_from_its_memory(
    cohort: Cohort, cached: CachedImages
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")

    def run(memory: float) -> list[dict[str, torch.Tensor]]:
        splits = hold_splits(cohort, cached, device="cuda", memory=memory)
        rows = ResidentRows([splits["train"], splits["validation"]], np.flatnonzero(cohort.folds(3) != 1), "a fold")
        return [batch for held in (splits["train"], rows) for batch in held.batches(5, shuffle=True, seed=3)]

    for mapped, resident in zip(run(0), run(1e9), strict=True):
        assert all(tensor.is_cuda for tensor in mapped.values())
        assert all(torch.equal(mapped[key], resident[key]) for key in resident)
