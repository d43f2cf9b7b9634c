"""Deltas: what training changed travels exactly, all or nothing, and only to the backbone it belongs to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from monai_fairtune.exceptions import MaskError, WeightsError
from monai_fairtune.masks import FairTuneNetwork, PatternPartitioner, load_delta, read_delta_metadata, save_delta
from tests.masks.networks import PLAIN, TINY


def tiny(**options: Any) -> FairTuneNetwork:
    defaults: dict[str, Any] = {"backbone": TINY, "image_size": 16, "backbone_arguments": {"depth": 2}}
    return FairTuneNetwork(**defaults | options)


def tuned(mask: list[int] | None = None) -> FairTuneNetwork:
    """A network whose tuned parameters differ from the pretrained ones."""
    network = tiny()
    network.apply_mask(network.partition("attention").mask_from_bits(mask or [0, 1]))
    with torch.no_grad():
        for _, parameter in network.tuned_parameters():
            parameter.add_(torch.randn_like(parameter))
    return network.eval()


def save(path: Path, network: FairTuneNetwork) -> Path:
    save_delta(path, network, preprocessing={"image_size": 16}, class_names=["benign", "malignant"], extra={"seed": 3})
    return path


def logits(network: FairTuneNetwork) -> Tensor:
    with torch.no_grad():
        output: Tensor = network.eval()(torch.linspace(0, 1, 2 * 3 * 256).reshape(2, 3, 16, 16))
    return output


def test_a_delta_brings_a_fresh_network_to_the_same_bits(tmp_path: Path) -> None:
    network = tuned()
    path = save(tmp_path / "model.safetensors", network)
    other = tiny(seed=0)
    metadata = load_delta(path, other)
    assert torch.equal(logits(other), logits(network))
    assert other.mask == network.mask
    assert (metadata["class_names"], metadata["preprocessing"]) == (["benign", "malignant"], {"image_size": 16})
    assert metadata["extra"] == {"seed": 3}
    assert torch.equal(logits(tiny(delta=path)), logits(network))
    assert torch.equal(logits(tiny(delta=str(path), mask=network.mask.to_dict())), logits(network))


def test_a_delta_replaces_whatever_was_tuned_before(tmp_path: Path) -> None:
    network, earlier = tuned([0, 1]), tuned([1, 0])
    load_delta(save(tmp_path / "model.safetensors", network), earlier)
    assert torch.equal(logits(earlier), logits(network))
    assert earlier.mask == network.mask


def test_a_delta_in_memory_is_a_copy_and_restores_exactly() -> None:
    network = tuned()
    before, delta = logits(network), network.delta()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    network.load_delta(delta)
    assert torch.equal(logits(network), before)
    assert delta.keys() == network.mask.parameter_names


def test_the_header_tells_what_the_tensors_belong_to(tmp_path: Path) -> None:
    network = tuned()
    path = save(tmp_path / "model.safetensors", network)
    with safe_open(path, framework="pt") as file:
        header = {name: json.loads(text) for name, text in file.metadata().items()}
        assert set(file.keys()) == network.mask.parameter_names
    assert header == read_delta_metadata(path)
    assert header["backbone"] == TINY
    assert header["backbone_sha256"] == network.backbone_sha256
    assert header["mask"] == network.mask.to_dict()
    assert header["network"]["image_size"] == 16


def test_equal_networks_give_equal_files(tmp_path: Path) -> None:
    network = tuned()
    files = {save(tmp_path / f"{number}.safetensors", network).read_bytes() for number in range(5)}
    assert len(files) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "is bound to backbone_sha256"),
        ({"backbone": "vit_tiny_patch16_224"}, "is bound to backbone "),
        ({"image_size": 32}, "is bound to (backbone_sha256|network)"),
        ({"mean": 0.1}, "is bound to network"),
        ({"n_classes": 3}, "is bound to (backbone_sha256|network)"),
    ],
)
def test_a_delta_of_another_backbone_or_other_options_is_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = save(tmp_path / "model.safetensors", tuned())
    with pytest.raises(WeightsError, match=f"{message}.* Build the network with the backbone"):
        tiny(**options, delta=path)


def test_a_delta_brings_its_own_mask_and_suffers_no_other(tmp_path: Path) -> None:
    path = save(tmp_path / "model.safetensors", tuned([0, 1]))
    with pytest.raises(MaskError, match=r"The delta was tuned under mask .* Leave the mask out"):
        tiny(delta=path, mask=tiny().anchors()["bias"])


def test_tensors_that_do_not_fit_the_mask_are_refused() -> None:
    network = tuned()
    delta = network.delta()
    short = dict(list(delta.items())[1:])
    reshaped = delta | {"head.bias": torch.zeros(3)}
    for wrong in (short, delta | {"cls_token": torch.zeros(1, 1, 64)}, reshaped):
        before = logits(network)
        with pytest.raises(WeightsError, match="1 tensors of the delta do not fit the mask"):
            network.load_delta(wrong)
        assert torch.equal(logits(network), before)


def test_masks_of_patterns_travel_with_their_partition(tmp_path: Path) -> None:
    network = FairTuneNetwork(PLAIN, image_size=8)
    partition = network.partition(PatternPartitioner({"norm": r"body\.1\..*"}))
    network.apply_mask(partition.all_tuned())
    path = save(tmp_path / "model.safetensors", network)
    other = FairTuneNetwork(PLAIN, image_size=8)
    with pytest.raises(MaskError, match="Describe its components with a PatternPartitioner"):
        load_delta(path, other)
    load_delta(path, other, partition)
    assert other.mask == network.mask
    load_delta(path, other)


@pytest.mark.parametrize("anchor", ["head only", "full", "bias", "norm", "attention"])
def test_anchors_travel_too(tmp_path: Path, anchor: str) -> None:
    network = tiny()
    network.apply_mask(network.anchors()[anchor])
    load_delta(save(tmp_path / "model.safetensors", network), other := tiny())
    assert other.mask == network.mask


@pytest.mark.parametrize("share", [0.0, 0.02, 0.9])
def test_fault_truncated_delta(tmp_path: Path, share: float) -> None:
    path = save(tmp_path / "model.safetensors", tuned())
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(WeightsError, match="cannot be read"):
        load_delta(path, tiny())


def test_fault_absent_delta(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        tiny(delta=tmp_path / "absent.safetensors")


@pytest.mark.parametrize(
    "metadata", [None, {"format": '"pt"'}, {"format": '"monai-fairtune delta 1"'}, {"format": "pt"}]
)
def test_fault_other_safetensors(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors", metadata=metadata)
    with pytest.raises(WeightsError, match=r"Give a file such as model.safetensors"):
        load_delta(tmp_path / "other.safetensors", tiny())


def test_fault_a_crash_while_writing_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "model.safetensors", tuned())
    before = path.read_bytes()

    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save(path, tuned())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.safetensors"]
