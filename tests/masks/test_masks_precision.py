"""What a network computes in: float32, or bfloat16 inside and float32 outside."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork, load_delta, save_delta
from tests.masks.networks import TINY


def tiny(precision: str = "float32") -> FairTuneNetwork:
    return FairTuneNetwork(TINY, image_size=16, precision=precision).eval()


def images(n: int = 4) -> Tensor:
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def seen_by(network: FairTuneNetwork, path: str) -> list[torch.dtype]:
    """Returns of what type the input and the output of a module are while the network sees images."""
    seen: list[torch.dtype] = []

    def note(_: nn.Module, given: tuple[Tensor], made: Tensor) -> None:
        seen.extend([given[0].dtype, made.dtype])

    hook = network.backbone.get_submodule(path).register_forward_hook(note)
    network(images())
    hook.remove()
    return seen


def test_bfloat16_is_inside_and_weights_normalised_images_and_logits_are_float32() -> None:
    network = tiny("bfloat16")
    assert seen_by(network, "blocks.3.mlp.fc1")[-1] == torch.bfloat16
    assert seen_by(network, "patch_embed.proj") == [torch.float32, torch.bfloat16]
    assert network(images()).dtype == torch.float32
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}


def test_float32_is_float32_throughout_even_within_somebody_elses_autocast() -> None:
    network = tiny()
    assert seen_by(network, "blocks.3.mlp.fc1") == [torch.float32, torch.float32]
    with torch.autocast("cpu", torch.bfloat16):
        found = network(images())
    assert torch.equal(found, network(images()))


def test_logits_in_bfloat16_are_close_to_those_in_float32() -> None:
    given, exact = images(64), tiny()(images(64)).detach()
    difference = (tiny("bfloat16")(given).detach() - exact).abs().max()
    assert 0 < difference < 0.05


def test_gradients_are_float32_in_either_precision() -> None:
    for precision in ("float32", "bfloat16"):
        network = tiny(precision).train()
        network(images()).sum().backward()
        assert {parameter.grad.dtype for parameter in network.parameters() if parameter.grad is not None} == {
            torch.float32
        }


def test_what_was_tuned_in_one_precision_is_applied_in_another(tmp_path: Path) -> None:
    tuned = tiny("bfloat16")
    with torch.no_grad():
        tuned.backbone.get_parameter("head.bias").add_(1.0)
    save_delta(tmp_path / "model.safetensors", tuned, preprocessing={}, class_names=["0", "1"])
    network = tiny()
    load_delta(tmp_path / "model.safetensors", network)
    assert torch.equal(network.backbone.get_parameter("head.bias"), torch.ones(2))


@pytest.mark.parametrize("given", ["float16", "BFLOAT16", "null", None, torch.bfloat16])
def test_another_precision_is_refused(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"precision is .* Give 'float32' or 'bfloat16'\."):
        tiny(given)  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_bfloat16_on_a_gpu_is_close_to_float32_on_a_processor() -> None:
    exact = tiny()(images(64)).detach()
    found = tiny("bfloat16").to("cuda")(images(64).to("cuda"))
    assert found.dtype == torch.float32
    assert (found.detach().cpu() - exact).abs().max() < 0.05
