"""On a GPU the tuner gives what it gives on a processor, and gets over a memory that is too small."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import DefaultAugmentation
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.tuning import Budget, EpochReport, SupervisedTuner, TuningResult, Verdict, training_graphs
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


@pytest.mark.parametrize("name", ["full", "attention", "head only"])
def test_captured_passes_train_and_predict_what_plain_ones_do(make_tuner: MakeTuner, name: str) -> None:
    # 16 does not divide the training images, nor 100 those that are predicted.
    plain, captured = (make_tuner(device="cuda", cuda_graphs=on, evaluation_batch_size=100) for on in (False, True))
    expected = tune(plain, name)
    for _ in range(2):  # the second time with the memory that the first one gave back
        found = tune(captured, name)
        assert np.abs(expected.validation.scores - found.validation.scores).max() < 1e-3
        assert found.best_epoch == expected.best_epoch
        test = [tuner.predict(result.model, "test").scores for tuner, result in ((plain, expected), (captured, found))]
        assert np.abs(test[0] - test[1]).max() < 1e-3


def test_capturing_does_not_count_in_batch_norm(make_tuner: MakeTuner) -> None:
    plain, captured = (make_tuner("resnet18", device="cuda", cuda_graphs=on) for on in (False, True))
    for tuner in (plain, captured):
        tune(tuner)
    for name, tensor in plain.network.backbone.state_dict().items():
        found = captured.network.backbone.state_dict()[name]
        if name.endswith("num_batches_tracked"):
            assert torch.equal(found, tensor)
        elif name.endswith("running_mean"):
            torch.testing.assert_close(found, tensor, atol=5e-2, rtol=0)


def test_captured_passes_draw_dropout_anew_each_time_and_again_from_a_seed() -> None:
    network = FairTuneNetwork("vit_tiny_patch16_224", image_size=16, backbone_arguments={"drop_rate": 0.5}).cuda()
    images, found = torch.rand(4, 3, 16, 16, device="cuda"), []
    with training_graphs(network, [3, 4]) as passes:
        for seed in (0, None, 0):
            if seed is not None:
                torch.manual_seed(seed)
            found.append(passes(images, network).detach())
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_captured_passes_refuse_gradients_that_were_kept() -> None:
    network = FairTuneNetwork("monai_fairtune.masks.tiny_vit", image_size=16).cuda()
    images = torch.rand(4, 3, 16, 16, device="cuda")
    with training_graphs(network, [4]) as passes:
        passes(images, network).sum().backward()
        with pytest.raises(ConfigurationError, match="optim_set_to_none"):
            passes(images, network)
        network.zero_grad(set_to_none=True)
        passes(images, network).sum().backward()


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


class WaitingNetwork(torch.nn.Module):
    """Asks the device for a number in the midst of a pass."""

    def __init__(self, num_classes: int, img_size: int, in_chans: int) -> None:
        super().__init__()
        self.body = torch.nn.Linear(in_chans * img_size**2, 8)
        self.head = torch.nn.Linear(8, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.body(images.flatten(1)) * images.mean().item())
        return logits


def test_a_network_that_waits_for_the_device_is_trained_without_cuda_graphs_only(make_tuner: MakeTuner) -> None:
    name = "tests.tuning.test_tuning_cuda.WaitingNetwork"
    assert tune(make_tuner(name, device="cuda", cuda_graphs=False)).validation is not None
    with pytest.raises(ConfigurationError, match="Switch cuda_graphs off"):
        tune(make_tuner(name, device="cuda"))
    assert tune(make_tuner(device="cuda")).validation is not None
