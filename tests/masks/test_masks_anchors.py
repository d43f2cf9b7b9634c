"""The fixed methods that every search is compared with."""

from __future__ import annotations

import pytest
from torch import nn

from monai_fairtune.masks import TRANSFORMER_SEARCH_SPACES, anchor_masks, head_parameter_names, partitioner, tiny_vit
from monai_fairtune.testing.networks import RESNETS, TRANSFORMERS, PlainNetwork


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return TRANSFORMERS["registers"]()


def body(network: nn.Module, anchor: str) -> set[str]:
    mask = anchor_masks(network, "vit")[anchor]
    return set(mask.parameter_names - head_parameter_names(network))


def test_head_only_tunes_the_head_and_full_tunes_every_parameter(network: nn.Module) -> None:
    everything = {name for name, _ in network.named_parameters()}
    assert body(network, "head only") == set()
    assert body(network, "full") | head_parameter_names(network) == everything
    assert anchor_masks(network, "vit")["full"].trained_share == 1.0


def test_bias_tunes_what_is_called_bias(network: nn.Module) -> None:
    names = {name for name, _ in network.named_parameters() if name.endswith(".bias")} - head_parameter_names(network)
    assert body(network, "bias") == names
    assert {"patch_embed.proj.bias", "blocks.0.attn.qkv.bias", "blocks.1.norm2.bias"} <= names


def test_norm_tunes_weights_and_biases_of_all_norms(network: nn.Module) -> None:
    expected = {f"blocks.{i}.norm{j}.{kind}" for i in (0, 1) for j in (1, 2) for kind in ("weight", "bias")}
    assert body(network, "norm") == expected | {"norm.weight", "norm.bias"}
    assert body(RESNETS["basic"](), "norm") >= {"bn1.weight", "layer1.0.bn2.bias", "layer2.0.downsample.2.weight"}
    assert body(TRANSFORMERS["query and key norms"](), "norm") >= {"blocks.0.attn.q_norm.weight"}


def test_attention_tunes_the_attention_of_transformers_only(network: nn.Module) -> None:
    assert {name.split(".")[2] for name in body(network, "attention")} == {"attn", "ls1"}
    assert set(anchor_masks(RESNETS["basic"](), "resnet")) == {"head only", "full", "bias", "norm"}


def test_every_anchor_has_a_partition_of_its_own_that_accounts_for_every_parameter(network: nn.Module) -> None:
    masks = anchor_masks(network, "vit")
    assert [mask.partition.name for mask in masks.values()] == [f"anchor: {name}" for name in masks]
    for mask in masks.values():
        mask.partition.check_complete(name for name, _ in network.named_parameters())
        assert mask.partition.network == "vit"
    assert len({mask.key for mask in masks.values()}) == len(masks)


def test_a_method_with_nothing_to_tune_is_left_out() -> None:
    network = PlainNetwork()
    network.stem, network.body = nn.Conv2d(3, 4, 3, bias=False), nn.Sequential(nn.Conv2d(4, 4, 3, bias=False))
    network.stem_norm = nn.Identity()  # type: ignore[assignment]
    assert set(anchor_masks(network, "plain")) == {"head only", "full"}


@pytest.mark.parametrize("search_space", TRANSFORMER_SEARCH_SPACES)
def test_an_anchor_that_a_search_space_holds_is_found_there(search_space: str) -> None:
    network = tiny_vit()
    space, anchors = partitioner(search_space, network).partition(network, "tiny"), anchor_masks(network, "tiny")
    assert space.find_equal(anchors["head only"]) == space.head_only()
    is_attention = search_space in ("attention", "attention tensors")
    assert (space.find_equal(anchors["attention"]) == space.all_tuned()) is is_attention
    assert space.find_equal(anchors["full"]) is None
    assert space.find_equal(anchors["bias"]) is None
