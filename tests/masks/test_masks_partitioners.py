"""Partitioners: every parameter of every family of networks has its component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from torch import nn

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks import (
    TRANSFORMER_SEARCH_SPACES,
    Partitioner,
    PatternPartitioner,
    ResNetPartitioner,
    TransformerPartitioner,
    partitioner,
    tiny_vit,
)
from monai_fairtune.masks.partitioning import build_partition
from monai_fairtune.testing.networks import RESNETS, TRANSFORMERS, PlainNetwork
from monai_fairtune.testing.partitioners import check_partitioner, check_refusal, check_stability

N_BITS = {
    "attention": 12,
    "block": 12,
    "norm": 12,
    "mlp": 12,
    "attention+norm": 12,
    "attention+mlp": 12,
    "norm+mlp": 12,
    "attention+norm+mlp": 12,
    "norm / attention / mlp": 36,
    "norm1 / attention / norm2 / mlp": 48,
    "attention tensors": 48,
}


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    return RESNETS["basic"]()


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_conformance_of_every_search_space_on_every_transformer(family: str, resnet: nn.Module) -> None:
    network = TRANSFORMERS[family]()
    for search_space in TRANSFORMER_SEARCH_SPACES:
        made = partitioner(search_space, network)
        assert made.search_space == search_space
        check_partitioner(made, TRANSFORMERS[family] if search_space == "attention" else lambda: network, resnet)


@pytest.mark.parametrize("family", RESNETS)
def test_conformance_of_residual_networks(family: str) -> None:
    network = RESNETS[family]()
    check_partitioner(partitioner("block", network), RESNETS[family], foreign=tiny_vit())
    components = {part.name: part for part in partitioner("block", network).partition(network, "resnet").components}
    assert components["layer2.0"].role == "searchable"
    assert {name.split(".")[2] for name in components["layer2.0"].parameters} >= {"conv1", "bn1", "downsample"}
    assert components["bn1"].role == "frozen"
    assert components["head"].parameters == ("fc.weight", "fc.bias")


def test_conformance_of_patterns() -> None:
    patterns = {"stem": "stem.*", "convolution": r"body\.0\..*"}
    check_partitioner(PatternPartitioner(patterns), PlainNetwork, foreign=tiny_vit())
    roles = {
        part.name: part.role for part in PatternPartitioner(patterns).partition(PlainNetwork(), "plain").components
    }
    assert roles == {"stem": "searchable", "convolution": "searchable", "body.1.rest": "frozen", "head": "tuned"}


@pytest.mark.parametrize(("search_space", "n_bits"), N_BITS.items())
def test_search_spaces_have_the_number_of_bits_of_the_paper(search_space: str, n_bits: int) -> None:
    network = tiny_vit()
    assert len(partitioner(search_space, network).partition(network, "tiny").searchable) == n_bits
    assert set(N_BITS) == set(TRANSFORMER_SEARCH_SPACES)


@pytest.mark.parametrize(
    ("search_space", "first"),
    [
        ("attention", ["blocks.0.attention", "blocks.1.attention"]),
        ("block", ["blocks.0", "blocks.1"]),
        ("attention+norm", ["blocks.0.attention+norm", "blocks.1.attention+norm"]),
        ("norm / attention / mlp", ["blocks.0.norm", "blocks.0.attention", "blocks.0.mlp", "blocks.1.norm"]),
        ("attention tensors", ["blocks.0.attention.qkv.weight", "blocks.0.attention.qkv.bias"]),
    ],
)
def test_bits_are_named_by_block_and_part(search_space: str, first: list[str]) -> None:
    network = tiny_vit()
    assert list(partitioner(search_space, network).partition(network, "tiny").searchable[: len(first)]) == first


@pytest.mark.parametrize(
    ("spelling", "usual"),
    [
        ("norm/attention/mlp", "norm / attention / mlp"),
        ("mlp / attention / norm", "norm / attention / mlp"),
        (" norm1/ attention /norm2/mlp ", "norm1 / attention / norm2 / mlp"),
        ("norm + attention", "attention+norm"),
        ("mlp+norm+attention", "attention+norm+mlp"),
        ("attention  tensors", "attention tensors"),
        ("mlp / norm+attention", "attention+norm / mlp"),
    ],
)
def test_blanks_and_order_of_parts_do_not_matter(spelling: str, usual: str) -> None:
    assert TransformerPartitioner(spelling).search_space == usual


@pytest.mark.parametrize(
    "unknown", ["", "heads", "attention,mlp", "norm / norm1", "block+mlp", "attention+", "Attention"]
)
def test_unknown_search_spaces_are_refused_with_the_known_ones(unknown: str) -> None:
    with pytest.raises(MaskError, match=r"no search space .* Choose one of \['attention', 'block', 'norm', 'mlp'"):
        partitioner(unknown, tiny_vit(depth=1))
    with pytest.raises(MaskError, match=r"A ResNet has no search space .* Choose 'block'"):
        ResNetPartitioner("attention")


def test_scales_and_query_norms_belong_to_what_they_scale() -> None:
    def parts(family: str) -> dict[str, tuple[str, ...]]:
        network = TRANSFORMERS[family]()
        whole = partitioner("norm1 / attention / norm2 / mlp", network).partition(network, "vit")
        return {part.name: part.parameters for part in whole.components}

    assert "blocks.0.ls1.gamma" in parts("LayerScale")["blocks.0.attention"]
    assert "blocks.1.ls2.gamma" in parts("LayerScale")["blocks.1.mlp"]
    assert "blocks.0.attn.q_norm.weight" in parts("query and key norms")["blocks.0.attention"]
    assert "blocks.0.gamma_2" in parts("BEiT")["blocks.0.mlp"]


@pytest.mark.parametrize(
    ("family", "frozen"),
    [
        ("class token", {"cls_token", "pos_embed", "patch_embed", "norm"}),
        ("LayerScale", {"cls_token", "pos_embed", "patch_embed", "norm"}),
        ("registers", {"cls_token", "reg_token", "pos_embed", "patch_embed", "norm"}),
        ("distillation", {"cls_token", "dist_token", "pos_embed", "patch_embed", "norm"}),
        ("average pooling", {"cls_token", "pos_embed", "patch_embed", "fc_norm"}),
        ("pre-norm", {"cls_token", "pos_embed", "patch_embed", "norm_pre", "norm"}),
        ("attention pooling", {"pos_embed", "patch_embed", "norm", "attn_pool"}),
    ],
)
def test_what_is_outside_of_the_blocks_is_frozen_under_its_own_name(family: str, frozen: set[str]) -> None:
    network = TRANSFORMERS[family]()
    attention = partitioner("attention", network).partition(network, "vit")
    names = {component.name for component in attention.components if component.role == "frozen"}
    assert names == frozen | {"blocks.0.rest", "blocks.1.rest"}


def test_query_and_key_norms_are_no_attention_tensors() -> None:
    network = TRANSFORMERS["query and key norms"]()
    tensors = partitioner("attention tensors", network).partition(network, "vit")
    assert {name.partition("attention.")[2] for name in tensors.searchable} == {
        "qkv.weight",
        "qkv.bias",
        "proj.weight",
        "proj.bias",
    }


def test_both_heads_of_a_distilled_transformer_are_always_tuned() -> None:
    network = TRANSFORMERS["distillation"]()
    mask = partitioner("block", network).partition(network, "deit").head_only()
    assert mask.parameter_names == {"head.weight", "head.bias", "head_dist.weight", "head_dist.bias"}


def test_a_block_without_a_part_of_the_search_space_is_refused() -> None:
    import timm

    parallel = timm.create_model("vit_small_patch16_18x2_224", depth=1, embed_dim=32, num_heads=2, num_classes=2)
    no_norm = tiny_vit(depth=1)
    no_norm.get_submodule("blocks.0").norm1 = nn.Identity()
    for network in (parallel, no_norm):
        with pytest.raises(MaskError):
            partitioner("norm1 / attention", network).partition(network, "vit")
    with pytest.raises(MaskError, match=r"'blocks.0' has no \['norm1'\] with parameters"):
        partitioner("attention+norm", no_norm).partition(no_norm, "vit")
    assert partitioner("attention", no_norm).partition(no_norm, "vit").searchable == ("blocks.0.attention",)


def test_other_networks_are_pointed_to_patterns() -> None:
    with pytest.raises(MaskError, match=r"neither a Vision Transformer nor a ResNet. Describe .* PatternPartitioner"):
        partitioner("block", PlainNetwork())


def test_a_network_without_a_head_is_refused() -> None:
    headless = tiny_vit(num_classes=0, depth=1)
    with pytest.raises(MaskError, match="has no head with parameters"):
        partitioner("attention", headless).partition(headless, "tiny")


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ({}, "There is no pattern"),
        ({"a": "("}, "is no regular expression"),
        ({"a": "nothing"}, "matches none of the 8 parameters"),
        ({"a": "stem.*", "b": r".*\.weight"}, "matches the patterns of 'a' and 'b'"),
        ({"head": "stem.*"}, "is called 'head'"),
        ({"a": "head.*"}, "matches none"),
        ({"a": "stem"}, "matches none .* for whole names"),
    ],
)
def test_patterns_that_make_no_partition_are_refused(patterns: dict[str, str], message: str) -> None:
    with pytest.raises(MaskError, match=message):
        PatternPartitioner(patterns).partition(PlainNetwork(), "plain")


def test_masks_of_other_patterns_do_not_fit() -> None:
    first, second = (PatternPartitioner({"a": pattern}) for pattern in ("stem.*", "body.*"))
    assert first.search_space != second.search_space
    assert first.search_space == PatternPartitioner({"a": "stem.*"}).search_space


def test_frozen_components_make_way_for_searchable_ones_of_their_name() -> None:
    whole = PatternPartitioner({"stem": r"stem\.weight"}).partition(PlainNetwork(), "plain")
    assert [part.name for part in whole.components][:2] == ["stem", "stem.rest"]


class _Unstable(Partitioner):
    """Names a component differently at each call."""

    n_calls = 0

    @property
    def search_space(self) -> str:
        return "unstable"

    def assign(self, parameter_names: Sequence[str]) -> Mapping[str, str]:
        self.n_calls += 1
        return {parameter_names[0]: f"component {self.n_calls}"}


def test_the_conformance_suite_notices_unstable_names_and_missing_refusal() -> None:
    make: Callable[[], nn.Module] = PlainNetwork
    with pytest.raises(AssertionError, match="two equal networks have different partitions"):
        check_stability(_Unstable(), make)
    with pytest.raises(AssertionError, match="a foreign PlainNetwork got the components"):
        check_refusal(_Unstable(), PlainNetwork())


def test_only_the_head_is_tuned_where_nothing_is_assigned() -> None:
    whole = build_partition("nothing", PlainNetwork(), "plain", {})
    assert whole.searchable == ()
    assert whole.head_only() == whole.all_tuned()
