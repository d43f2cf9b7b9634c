"""Captured passes do what plain ones do: on a GPU, and in operations noted on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from monai.inferers import Inferer

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.tuning import Budget, EpochReport, SupervisedTuner, TuningResult, Verdict, cuda_graphs
from monai_fairtune.tuning.cuda_graphs import Passes, training_graphs
from tests.tuning.graphs_on_host import HostGraph, graphs_on_host
from tests.tuning.small_tuner import MakeTuner

TOLERANCE = {"cpu": 1e-6, "cuda": 1e-3}


@pytest.fixture(
    params=[
        "cpu",
        pytest.param(
            "cuda",
            marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")],
        ),
    ]
)
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where passes are captured."""
    cuda_graphs._stream.cache_clear()
    if request.param == "cpu":
        graphs_on_host(monkeypatch)
    yield request.param
    cuda_graphs._stream.cache_clear()


@pytest.fixture
def make_captured(make_tuner: MakeTuner, device: str) -> MakeTuner:
    """Builds tuners whose passes are captured."""

    def make(*arguments: str, **options: Any) -> SupervisedTuner:
        tuner = make_tuner(*arguments, device=device, **options)
        tuner.passes = Passes(tuner.network, are_captured=True)  # as the tuner itself does on a GPU only
        return tuner

    return make


def keep(_: EpochReport) -> Verdict:
    return Verdict(keep=True)


def tune(tuner: SupervisedTuner, name: str = "full", *, n_parts: int = 1) -> TuningResult:
    budget = Budget(2, accumulation_steps=n_parts)
    return tuner.tune(tuner.network.anchors()[name], {"learning_rate": 1e-3}, budget, seed=4, on_epoch=keep)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["full", "attention", "head only"])
def test_captured_passes_train_and_predict_what_plain_ones_do(
    make_tuner: MakeTuner, make_captured: MakeTuner, device: str, name: str, precision: str
) -> None:
    # 32 does not divide the 80 training images, nor 10 the 12 and 26 that are predicted.
    options: dict[str, Any] = {"batch_size": 32, "evaluation_batch_size": 10, "precision": precision}
    plain, captured = make_tuner(device=device, cuda_graphs=False, **options), make_captured(**options)
    most = TOLERANCE[device] if precision == "float32" else 2e-2
    expected = tune(plain, name)
    for _ in range(2):  # the second time with the memory that the first one gave back
        found = tune(captured, name)
        assert np.abs(expected.validation.scores - found.validation.scores).max() <= most
        assert found.best_epoch == expected.best_epoch
        test = [tuner.predict(result.model, "test").scores for tuner, result in ((plain, expected), (captured, found))]
        assert np.abs(test[0] - test[1]).max() <= most


def test_captured_predictions_follow_from_mask_to_mask(make_captured: MakeTuner, make_tuner: MakeTuner) -> None:
    captured, plain = make_captured(), make_tuner()
    results = [tune(captured, name) for name in ("full", "bias", "head only")]
    for result in results:
        expected = plain.predict(result.model, "test").scores
        assert np.abs(captured.predict(result.model, "test").scores - expected).max() <= 1e-3


def test_capturing_does_not_count_in_batch_norm(make_tuner: MakeTuner, make_captured: MakeTuner, device: str) -> None:
    plain, captured = make_tuner("resnet18", device=device, cuda_graphs=False), make_captured("resnet18")
    for tuner in (plain, captured):
        tune(tuner)
    for name, tensor in plain.network.backbone.state_dict().items():
        found = captured.network.backbone.state_dict()[name]
        if name.endswith("num_batches_tracked"):
            assert torch.equal(found, tensor)
        elif name.endswith("running_mean"):
            torch.testing.assert_close(found, tensor, atol=5e-2, rtol=0)


def test_captured_passes_draw_dropout_anew_each_time_and_again_from_a_seed(device: str) -> None:
    network = FairTuneNetwork("vit_tiny_patch16_224", image_size=16, backbone_arguments={"drop_rate": 0.5}).to(device)
    images, found = torch.rand(4, 3, 16, 16, device=device), []
    with training_graphs(network, [3, 4]) as passes:
        for seed in (0, None, 0):
            if seed is not None:
                torch.manual_seed(seed)
            found.append(passes(images, network).detach())
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_captured_passes_refuse_gradients_that_were_kept(device: str) -> None:
    network = FairTuneNetwork("monai_fairtune.masks.tiny_vit", image_size=16).to(device)
    images = torch.rand(4, 3, 16, 16, device=device)
    with training_graphs(network, [4]) as passes:
        passes(images, network).sum().backward()
        with pytest.raises(ConfigurationError, match="optim_set_to_none"):
            passes(images, network)
        network.zero_grad(set_to_none=True)
        passes(images, network).sum().backward()


def test_batches_of_another_size_run_as_they_are_written(device: str) -> None:
    network = FairTuneNetwork("monai_fairtune.masks.tiny_vit", image_size=16).to(device)
    images = torch.rand(4, 3, 16, 16, device=device)
    with training_graphs(network, [4]) as passes:
        found = torch.cat([passes(images[:3], network), passes(images, network)[3:]])
    assert (found - network(images)).abs().max() <= TOLERANCE[device]


class WaitingNetwork(torch.nn.Module):
    """Asks the device for a number in the midst of a pass."""

    def __init__(self, num_classes: int, img_size: int, in_chans: int) -> None:
        super().__init__()
        self.body = torch.nn.Linear(in_chans * img_size**2, 8)
        self.head = torch.nn.Linear(8, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.body(images.flatten(1)) * images.mean().item())
        return logits


def test_a_network_that_waits_for_the_device_is_trained_without_cuda_graphs_only(
    make_tuner: MakeTuner, make_captured: MakeTuner, device: str
) -> None:
    name = f"{__name__}.WaitingNetwork"
    assert tune(make_tuner(name, device=device, cuda_graphs=False)).validation is not None
    with pytest.raises(ConfigurationError, match="Switch cuda_graphs off"):
        tune(make_captured(name))
    assert tune(make_captured()).validation is not None


def test_micro_batches_are_not_captured(make_captured: MakeTuner, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tune(make_captured()).validation.scores
    monkeypatch.setattr(cuda_graphs, "training_graphs", None)
    assert np.abs(whole - tune(make_captured(), n_parts=4).validation.scores).max() < 1e-2


class TestMemory:
    """On the processor alone, where it is known what is held."""

    @pytest.fixture
    def device(self, monkeypatch: pytest.MonkeyPatch) -> str:
        graphs_on_host(monkeypatch)
        return "cpu"

    def test_a_training_gives_up_its_graphs(self, make_captured: MakeTuner) -> None:
        tune(make_captured(batch_size=32))
        assert [graph.steps is None for graph in HostGraph.made] == [True] * 4 + [False]  # two sizes; predictions stay

    def test_predictions_give_up_theirs_where_a_training_lacks_it(
        self, make_captured: MakeTuner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tuner = make_captured()
        expected = tune(tuner).validation.scores

        def outgrow(*arguments: Any) -> AbstractContextManager[Inferer]:
            if tuner.passes._predictions:
                raise torch.OutOfMemoryError
            return training_graphs(*arguments)

        monkeypatch.setattr(cuda_graphs, "training_graphs", outgrow)
        (prediction,) = (graph for graph in HostGraph.made if graph.steps is not None)
        assert np.array_equal(tune(tuner).validation.scores, expected)
        assert prediction.steps is None

    def test_a_training_that_does_not_fit_says_so(
        self, make_captured: MakeTuner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tuner = make_captured()

        def outgrow(*_: Any) -> AbstractContextManager[Inferer]:
            raise torch.OutOfMemoryError

        with monkeypatch.context() as patched:
            patched.setattr(cuda_graphs, "training_graphs", outgrow)
            with pytest.raises(torch.OutOfMemoryError):
                tune(tuner)
        assert tune(tuner).validation is not None

    @pytest.mark.parametrize(
        ("message", "kind"),
        [
            ("CUDA error: out of memory", torch.OutOfMemoryError),
            ("CUDA error: unspecified launch failure", RuntimeError),
            ("CUDA error: operation not permitted when stream is capturing", ConfigurationError),
        ],
    )
    def test_only_a_network_that_cannot_be_captured_is_the_users_concern(
        self, make_captured: MakeTuner, monkeypatch: pytest.MonkeyPatch, message: str, kind: type[Exception]
    ) -> None:
        def fail(*_: Any, **__: Any) -> AbstractContextManager[None]:
            try:
                raise RuntimeError(message)
            finally:  # as PyTorch's own context does
                raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

        monkeypatch.setattr(torch.cuda, "graph", fail)
        with pytest.raises(kind) as raised:
            tune(make_captured())
        assert type(raised.value) is kind
