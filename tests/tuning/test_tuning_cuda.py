"""On a GPU the tuner gives what it gives on a processor, and gets over a memory that is too small."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import DefaultAugmentation
from monai_fairtune.tuning import Budget, EpochReport, SupervisedTuner, TuningResult, Verdict
from tests.tuning.small_tuner import MakeTuner

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def keep(_: EpochReport) -> Verdict:
    return Verdict(keep=True)


def tune(tuner: SupervisedTuner, name: str = "full", *, n_parts: int = 1) -> TuningResult:
    budget = Budget(2, accumulation_steps=n_parts)
    return tuner.tune(tuner.network.anchors()[name], {"learning_rate": 1e-3}, budget, seed=4, on_epoch=keep)


@pytest.mark.parametrize("name", ["full", "attention", "head only"])
def test_training_on_a_gpu_gives_the_scores_of_a_processor(make_tuner: MakeTuner, name: str) -> None:
    on_cpu, on_gpu = (tune(make_tuner(device=device), name).validation.scores for device in ("cpu", "cuda"))
    assert np.abs(on_cpu - on_gpu).max() < 1e-2
    assert np.corrcoef(on_cpu, on_gpu)[0, 1] > 0.9999


def test_memory_of_a_training_is_given_back(make_tuner: MakeTuner) -> None:
    tuner = make_tuner("vit_small_patch16_224", device="cuda")  # whose gradients alone take 83 MiB
    tune(tuner)
    before = torch.cuda.memory_allocated()
    for name in ("attention", "full", "head only"):
        tune(tuner, name)
        assert torch.cuda.memory_allocated() <= before + 2**25


def test_bfloat16_on_a_gpu_follows_float32(make_tuner: MakeTuner) -> None:
    exact, rounded = (
        tune(make_tuner(device="cuda", precision=precision)).validation.scores for precision in ("float32", "bfloat16")
    )
    assert not np.array_equal(exact, rounded)
    assert np.corrcoef(exact, rounded)[0, 1] > 0.9


def test_the_same_seed_gives_the_same_scores_on_a_gpu_with_augmentation(make_tuner: MakeTuner) -> None:
    tuner = make_tuner(device="cuda", augmentation=DefaultAugmentation())
    first, second = (tune(tuner).validation.scores for _ in range(2))
    assert np.abs(first - second).max() < 1e-2


def test_micro_batches_on_a_gpu_take_the_steps_of_whole_batches(make_tuner: MakeTuner) -> None:
    tuner = make_tuner(device="cuda")
    whole, parts = (tune(tuner, n_parts=n_parts).validation.scores for n_parts in (1, 4))
    assert np.abs(whole - parts).max() < 1e-2


def test_a_training_that_outgrew_the_gpu_leaves_nothing_behind(make_tuner: MakeTuner) -> None:
    tuner = make_tuner(device="cuda")
    tune(tuner)
    before = torch.cuda.memory_allocated()
    held: list[torch.Tensor] = []

    def grow(_: EpochReport) -> Verdict:
        held.append(torch.empty(2**40, dtype=torch.uint8, device="cuda"))
        return Verdict(keep=True)

    with pytest.raises(torch.OutOfMemoryError):
        tuner.tune(tuner.network.anchors()["full"], {"learning_rate": 1e-3}, Budget(2), seed=4, on_epoch=grow)
    assert torch.cuda.memory_allocated() <= before + 2**20
    assert tune(tuner).validation is not None


def test_blended_masks_on_a_gpu_get_the_scores_of_a_processor(make_tuner: MakeTuner) -> None:
    scores = []
    for device in ("cpu", "cuda"):
        tuner = make_tuner(device=device)
        space = tuner.network.partition("attention")
        masks = [space.mask(space.searchable[:n]) for n in (0, 3, len(space.searchable))]
        model = tuner.tune(space.all_tuned(), {"learning_rate": 1e-3}, Budget(1), seed=4, on_epoch=keep).model
        scores.append(np.concatenate([one.scores for one in tuner.blend(model, masks)]))
    assert np.corrcoef(scores[0], scores[1])[0, 1] > 0.999


def test_a_model_tuned_on_a_gpu_is_read_on_a_processor(
    make_tuner: MakeTuner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    on_gpu, on_cpu = make_tuner(device="cuda"), make_tuner()
    result = tune(on_gpu)
    on_gpu.save(result.model, path)
    found = on_cpu.predict(on_cpu.load(path), "validation").scores
    assert np.abs(found - result.validation.scores).max() < 1e-3
