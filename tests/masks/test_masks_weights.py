"""Pretrained weights: what fits is loaded exactly, everything else is refused, and nothing in a file is executed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from monai_fairtune.exceptions import ConfigurationError, WeightsError
from monai_fairtune.masks import TINY_VIT_WEIGHTS, FairTuneNetwork, tiny_vit
from monai_fairtune.masks.weights import state_sha256
from tests.masks.networks import PLAIN, TINY


def load(weights: Path, **options: Any) -> FairTuneNetwork:
    defaults: dict[str, Any] = {"image_size": 16, "backbone_arguments": {"depth": 2}}
    return FairTuneNetwork(TINY, weights=weights, **defaults | options)


@pytest.fixture(scope="module")
def pretrained() -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return dict(tiny_vit(img_size=16, depth=2, num_classes=7).state_dict())


@pytest.fixture
def file(pretrained: dict[str, Tensor], tmp_path: Path) -> Path:
    save_file(pretrained, tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def body(network: FairTuneNetwork) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in network.backbone.state_dict().items() if not name.startswith("head")}


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"state_dict": state, "epoch": 3}])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_all_but_the_head_is_loaded_bit_for_bit(
    pretrained: dict[str, Tensor], tmp_path: Path, suffix: str, wrap: Any
) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(pretrained, path)
    else:
        torch.save(wrap(pretrained), path)
    network = load(path)
    assert all(torch.equal(tensor, pretrained[name]) for name, tensor in body(network).items())
    assert network.backbone.get_parameter("head.weight").shape == (2, 64)
    assert network.backbone_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_head_comes_from_the_seed_even_where_the_file_has_one_that_fits(
    pretrained: dict[str, Tensor], file: Path
) -> None:
    first, second = load(file, n_classes=7), load(file, n_classes=7, seed=1)
    drawn = first.backbone.get_parameter("head.weight").detach().clone()
    assert not torch.equal(drawn, pretrained["head.weight"])
    assert not torch.equal(drawn, second.backbone.get_parameter("head.weight"))
    second.reset(0)
    assert torch.equal(drawn, second.backbone.get_parameter("head.weight"))


def test_half_precision_is_cast_to_single(pretrained: dict[str, Tensor], tmp_path: Path) -> None:
    save_file({name: tensor.half() for name, tensor in pretrained.items()}, tmp_path / "half.safetensors")
    network = load(tmp_path / "half.safetensors")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert all(torch.equal(tensor, pretrained[name].half().float()) for name, tensor in body(network).items())


def test_position_embeddings_are_resampled_as_timm_does(pretrained: dict[str, Tensor], file: Path) -> None:
    from timm.layers import resample_abs_pos_embed

    larger = load(file, image_size=32)
    expected = resample_abs_pos_embed(pretrained["pos_embed"], new_size=[4, 4], num_prefix_tokens=1)
    torch.testing.assert_close(larger.backbone.get_parameter("pos_embed").detach(), expected)
    assert larger(torch.rand(1, 3, 32, 32)).shape == (1, 2)


def test_the_checksum_is_of_the_file_or_else_of_the_tensors(file: Path) -> None:
    assert load(file).backbone_sha256 == load(file, image_size=32).backbone_sha256
    random = FairTuneNetwork(TINY, image_size=16, backbone_arguments={"depth": 2})
    assert random.backbone_sha256 == state_sha256(body(random))
    FairTuneNetwork(TINY, image_size=16, backbone_arguments={"depth": 2}, weights_sha256=random.backbone_sha256)


def test_the_checksum_of_tensors_depends_on_names_types_and_values_but_not_on_order() -> None:
    first = {"a": torch.zeros(2), "b": torch.ones((), dtype=torch.int64)}
    variants = [
        first,
        first | {"a": torch.zeros(2, 1)},
        first | {"a": torch.ones(2)},
        {"c": first["a"], "b": first["b"]},
    ]
    variants.append(first | {"a": torch.zeros(2, dtype=torch.bfloat16)})
    assert len({state_sha256(state) for state in variants}) == len(variants)
    assert state_sha256(first) == state_sha256(dict(reversed(first.items())))


def test_another_checksum_is_refused_and_the_right_one_accepted_in_any_case(file: Path) -> None:
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert load(file, weights_sha256=sha256.upper()).backbone_sha256 == sha256
    with pytest.raises(WeightsError, match=f"has SHA-256 {sha256} where '0000' is expected"):
        load(file, weights_sha256="0000")
    with pytest.raises(WeightsError, match=r"Backbone .* has SHA-256"):
        FairTuneNetwork(TINY, image_size=16, weights_sha256="0000")


def test_fault_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot be read: No such file or directory\. Give a file that exists"):
        load(tmp_path / "absent.safetensors")
    with pytest.raises(WeightsError, match="Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_fault_truncated_file(pretrained: dict[str, Tensor], tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"weights{suffix}"
    save_file(pretrained, path) if suffix == ".safetensors" else torch.save(pretrained, path)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(WeightsError, match=r"cannot be read: .* Give a complete file"):
        load(path)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_fault_file_of_another_kind(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<html>404 Not Found</html>")
    with pytest.raises(WeightsError, match="cannot be read"):
        load(tmp_path / name)


def test_fault_file_whose_name_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"end in '\.npz'\. Give a file that ends in"):
        load(tmp_path / "weights.npz")


class _Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    torch.save({"cls_token": _Trap(tmp_path / "executed")}, tmp_path / "trap.pt")
    with pytest.raises(WeightsError, match="cannot be read"):
        load(tmp_path / "trap.pt")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}, {"state_dict": {"a": 1}}])
def test_a_file_without_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="hold no dictionary of tensors"):
        load(tmp_path / "weights.pt")


def test_missing_and_unexpected_tensors_are_refused_by_name(pretrained: dict[str, Tensor], tmp_path: Path) -> None:
    changed = {name: tensor for name, tensor in pretrained.items() if name != "blocks.1.norm1.weight"}
    save_file(changed | {"extra.weight": torch.zeros(2)}, tmp_path / "changed.safetensors")
    with pytest.raises(
        WeightsError,
        match=r"lacks 1 of 30 tensors of VisionTransformer \['blocks.1.norm1.weight'\] and holds 1 others \['extra",
    ):
        load(tmp_path / "changed.safetensors")


def test_weights_of_another_depth_width_or_patch_size_are_refused(file: Path) -> None:
    with pytest.raises(WeightsError, match=r"lacks 12 of 42 tensors .* \['blocks.2"):
        load(file, backbone_arguments={"depth": 3})
    with pytest.raises(WeightsError, match=r"holds 12 others \['blocks.1"):
        load(file, backbone_arguments={"depth": 1})
    with pytest.raises(WeightsError, match=r"tensors of other shapes .*blocks.0.attn.proj.bias \(64,\) for \(32,\)"):
        load(file, backbone_arguments={"depth": 2, "embed_dim": 32})
    with pytest.raises(WeightsError, match=r"patch_embed.proj.weight \(64, 3, 8, 8\) for \(64, 3, 16, 16\)"):
        load(file, backbone_arguments={"depth": 2, "patch_size": 16})
    with pytest.raises(WeightsError, match=r"patch_embed.proj.weight \(64, 3, 8, 8\) for \(64, 1, 8, 8\)"):
        load(file, n_channels=1, backbone_arguments={"depth": 2, "in_chans": 1}, mean=0.5, std=0.5)


def test_weights_of_another_family_are_refused(file: Path) -> None:
    with pytest.raises(WeightsError, match=r"lacks .* tensors of ResNet"):
        FairTuneNetwork("resnet10t", weights=file)


def test_a_position_embedding_that_cannot_be_resampled_is_refused(
    pretrained: dict[str, Tensor], tmp_path: Path
) -> None:
    save_file(pretrained | {"pos_embed": torch.zeros(1, 4, 64)}, tmp_path / "odd.safetensors")
    with pytest.raises(WeightsError, match=r"1 tensors of other shapes .* pos_embed .* for \(1, 5, 64\)"):
        load(tmp_path / "odd.safetensors")


def test_values_that_are_not_finite_are_refused(pretrained: dict[str, Tensor], tmp_path: Path) -> None:
    broken = pretrained["norm.weight"].clone()
    broken[3] = float("nan")
    save_file(pretrained | {"norm.weight": broken}, tmp_path / "nan.safetensors")
    with pytest.raises(WeightsError, match=r"not finite in \['norm.weight'\]"):
        load(tmp_path / "nan.safetensors")


def test_pretrained_weights_without_statistics_need_mean_and_std(tmp_path: Path) -> None:
    plain = FairTuneNetwork(PLAIN, image_size=8)
    torch.save(plain.backbone.state_dict(), tmp_path / "plain.pt")
    with pytest.raises(ConfigurationError, match=r"does not tell the mean .* Give mean and std"):
        FairTuneNetwork(PLAIN, weights=tmp_path / "plain.pt", image_size=8)
    network = FairTuneNetwork(PLAIN, weights=tmp_path / "plain.pt", image_size=8, mean=[0.1, 0.2, 0.3], std=0.2)
    assert torch.equal(network.backbone.get_parameter("stem.weight"), plain.backbone.get_parameter("stem.weight"))


def test_old_batch_norms_without_a_counter_are_accepted(tmp_path: Path) -> None:
    plain = FairTuneNetwork(PLAIN, image_size=8)
    state = {name: tensor for name, tensor in plain.backbone.state_dict().items() if "num_batches" not in name}
    torch.save(state, tmp_path / "old.pt")
    FairTuneNetwork(PLAIN, weights=tmp_path / "old.pt", image_size=8, mean=0.5, std=0.5)


def test_weights_of_timms_other_spellings_are_understood(tmp_path: Path) -> None:
    wrapped = {"model": dict(tiny_vit(img_size=16, depth=2).state_dict())}
    torch.save(wrapped, tmp_path / "mae.pth")
    assert torch.equal(load(tmp_path / "mae.pth").backbone.get_parameter("cls_token"), wrapped["model"]["cls_token"])


@pytest.mark.skipif(not TINY_VIT_WEIGHTS.exists(), reason="the weights are not in this checkout")
def test_the_shipped_weights_have_their_checksum_and_load() -> None:
    from monai_fairtune.masks import TINY_VIT_SHA256

    network = FairTuneNetwork(TINY, weights=TINY_VIT_WEIGHTS, image_size=48, weights_sha256=TINY_VIT_SHA256)
    assert network.backbone_sha256 == TINY_VIT_SHA256
