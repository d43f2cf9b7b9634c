from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import (
    Batches,
    CachedImages,
    Cohort,
    DefaultAugmentation,
    HeldSplit,
    MappedSplit,
    ResidentSplit,
    resident_split,
)
from monai_fairtune.exceptions import ConfigurationError, SplitError

Batch = dict[str, torch.Tensor]
Kind = type[ResidentSplit] | type[MappedSplit]
KINDS = (ResidentSplit, MappedSplit)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture
def train(cohort: Cohort, cached: CachedImages, kind: Kind) -> HeldSplit:
    return kind(cohort, cached, "train")


def _index(batches: Batches) -> list[int]:
    return [int(index) for batch in batches for index in batch["index"]]


def _same(first: list[Batch], second: list[Batch]) -> bool:
    return all(torch.equal(a[key], b[key]) for a, b in zip(first, second, strict=True) for key in a)


def test_batches_hold_what_the_cohort_says(cohort: Cohort, cached: CachedImages, train: HeldSplit) -> None:
    assert train.attributes == ("sex", "age:60")
    for batch in train.batches(7, shuffle=True, seed=1):
        index = batch["index"].numpy()
        assert batch["image"].dtype == torch.float32
        assert all(batch[key].dtype == torch.int64 for key in ("label", "group", "index"))
        assert np.array_equal(batch["image"].numpy(), cached.array[index].astype(np.float32))
        assert np.array_equal(batch["label"].numpy(), cohort.labels[index])
        for column, name in enumerate(train.attributes):
            assert np.array_equal(batch["group"][:, column].numpy(), cohort.subgroups[name].codes[index])


def test_no_sample_is_dropped_or_repeated(cohort: Cohort, train: HeldSplit) -> None:
    batches = train.batches(7, shuffle=True, seed=0)
    assert len(batches) == -(-len(train) // 7) == len(list(batches))
    assert sorted(_index(batches)) == cohort.indices("train").tolist()


def test_without_shuffling_the_order_is_the_cohorts_and_batches_are_views(cohort: Cohort, train: HeldSplit) -> None:
    batches = train.batches(7, shuffle=False)
    assert _index(batches) == cohort.indices("train").tolist()
    assert next(iter(batches))["label"].data_ptr() == train.labels.data_ptr()


@pytest.mark.parametrize("batch_size", [1, 7, 16, 1000])
def test_the_sizes_of_batches_are_known_before_they_come(train: HeldSplit, batch_size: int) -> None:
    batches = train.batches(batch_size, shuffle=True)
    assert batches.sizes == {len(batch["label"]) for batch in batches}


def test_every_epoch_has_an_order_of_its_own_and_a_seed_replays_them_all(train: HeldSplit) -> None:
    batches = train.batches(7, shuffle=True, seed=5)
    epochs = [_index(batches) for _ in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3
    again = train.batches(7, shuffle=True, seed=5)
    assert [_index(again) for _ in range(3)] == epochs
    assert _index(train.batches(7, shuffle=True, seed=6)) != epochs[0]


def test_a_run_that_stopped_goes_on_with_its_epoch(train: HeldSplit) -> None:
    batches = train.batches(7, shuffle=True, seed=5)
    epochs = [_index(batches) for _ in range(3)]
    resumed = train.batches(7, shuffle=True, seed=5)
    resumed.epoch = 2
    assert _index(resumed) == epochs[2]


def test_augmentation_is_replayed_to_the_bit(train: HeldSplit) -> None:
    def run() -> list[Batch]:
        return list(train.batches(7, shuffle=True, seed=3, augmentation=DefaultAugmentation()))

    first = run()
    torch.manual_seed(99)
    assert _same(first, run())
    plain = list(train.batches(7, shuffle=True, seed=3))
    assert not _same(first, plain)


def test_augmentation_differs_between_epochs_and_between_batches(train: HeldSplit) -> None:
    noise = torch.nn.Module()
    noise.forward = torch.rand_like
    batches = train.batches(8, shuffle=False, seed=0, augmentation=noise)
    seen = [batch["image"] for _ in range(2) for batch in batches]
    full = [image for image in seen if len(image) == 8]
    assert len({float(image[0, 0, 0, 0]) for image in full}) == len(full)


def test_global_random_states_are_left_alone(train: HeldSplit) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state(), pickle.dumps(np.random.get_state()), random.getstate()  # noqa: NPY002
    for _ in train.batches(7, shuffle=True, seed=3, augmentation=DefaultAugmentation()):
        pass
    assert torch.equal(torch.get_rng_state(), before[0])
    assert pickle.dumps(np.random.get_state()) == before[1]  # noqa: NPY002
    assert random.getstate() == before[2]


def test_what_a_batch_becomes_does_not_change_the_split(train: HeldSplit) -> None:
    kept = train.gather(slice(None))
    for batch in train.batches(7, shuffle=False):
        batch["image"].zero_()
    assert kept.any()
    assert torch.equal(train.gather(slice(None)), kept)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_share_an_epoch_without_padding(
    cohort: Cohort, train: HeldSplit, *, shuffle: bool, world_size: int
) -> None:
    shards = [train.batches(7, shuffle=shuffle, seed=2, rank=rank, world_size=world_size) for rank in range(world_size)]
    for _ in range(2):
        seen = [_index(shard) for shard in shards]
        assert sorted(index for shard in seen for index in shard) == cohort.indices("train").tolist()
    assert [shard.n_images for shard in shards] == [len(shard) for shard in seen]
    assert [len(shard) for shard in shards] == [-(-len(shard) // 7) for shard in seen]


def test_conformance_monais_trainer_sees_every_image_once_in_each_epoch(train: HeldSplit) -> None:
    from monai.engines import SupervisedTrainer

    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    batches = train.batches(7, shuffle=True, seed=4)
    seen: list[int] = []
    trainer = SupervisedTrainer(
        torch.device("cpu"), 3, batches, network, torch.optim.SGD(network.parameters(), 0.1),
        torch.nn.CrossEntropyLoss(), decollate=False,
    )  # fmt: skip
    trainer.add_event_handler("ITERATION_COMPLETED", lambda e: seen.extend(e.state.batch["index"].tolist()))
    trainer.run()
    again = train.batches(7, shuffle=True, seed=4)
    assert seen == [index for _ in range(3) for index in _index(again)]


def test_numbers_out_of_range_are_refused(train: HeldSplit) -> None:
    for batch_size, rank, world_size in ((0, 0, 1), (4, 2, 2), (4, -1, 1)):
        with pytest.raises(ConfigurationError, match="Give a batch size of 1 or more"):
            train.batches(batch_size, shuffle=False, rank=rank, world_size=world_size)
    with pytest.raises(ConfigurationError, match="Use fewer processes"):
        train.batches(4, shuffle=False, world_size=1000)


def test_attributes_may_be_chosen_and_ordered(cohort: Cohort, cached: CachedImages, kind: Kind) -> None:
    swapped = kind(cohort, cached, "test", ["age:60", "sex"])
    rows = cohort.indices("test")
    assert np.array_equal(swapped.groups[:, 0].numpy(), cohort.subgroups["age:60"].codes[rows])
    assert kind(cohort, cached, "test", []).groups.shape == (len(rows), 0)
    with pytest.raises(ConfigurationError, match=r"no attribute \['race'\]; it has \['sex', 'age:60'\]"):
        kind(cohort, cached, "test", ["race"])


def test_images_that_reach_the_device_in_blocks_are_all_there_in_order(
    cohort: Cohort, cached: CachedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident_split, "_BLOCK", 7)
    rows = cohort.indices("train")
    assert len(rows) % 7
    assert np.array_equal(ResidentSplit(cohort, cached, "train").images.numpy(), cached.array[rows])


def test_images_of_another_cohort_are_refused(cached: CachedImages, kind: Kind, tmp_path: Path) -> None:
    smaller = Cohort.from_manifest(tmp_path / "manifest.csv", [], train_fraction=0.5)
    with pytest.raises(SplitError, match="80 cached images were given for"):
        kind(smaller, cached, "train")


@pytest.mark.gpu
def test_a_seed_gives_one_order_on_every_device_and_leaves_its_generator_alone(
    cohort: Cohort, cached: CachedImages, kind: Kind
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    splits = [kind(cohort, cached, "train", device=device) for device in ("cpu", "cuda")]
    assert len({tuple(_index(split.batches(7, shuffle=True, seed=3))) for split in splits}) == 1
    before = torch.cuda.get_rng_state()
    runs = [list(splits[1].batches(7, shuffle=True, seed=3, augmentation=DefaultAugmentation())) for _ in range(2)]
    assert _same(*runs)
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert all(tensor.is_cuda for batch in runs[0] for tensor in batch.values())
