"""Component, Partition and Mask: the choice and what it means, without any network."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks import component, mask
from monai_fairtune.masks import partition as partition_module
from monai_fairtune.masks.component import Component
from monai_fairtune.masks.mask import Mask
from monai_fairtune.masks.partition import Partition


def partition(n_blocks: int = 3, name: str = "block", network: str = "toy") -> Partition:
    blocks = [
        Component(f"blocks.{i}", (f"blocks.{i}.weight", f"blocks.{i}.bias"), 10, "searchable") for i in range(n_blocks)
    ]
    head = Component("head", ("head.weight",), 5, "tuned")
    return Partition(name, network, (Component("stem", ("stem.weight",), 15, "frozen"), *blocks, head))


def test_a_mask_always_trains_the_head_and_never_a_frozen_component() -> None:
    whole = partition()
    assert whole.head_only().parameter_names == {"head.weight"}
    assert whole.all_tuned().parameter_names == whole.parameter_names - {"stem.weight"}


def test_the_trained_share_counts_numbers_and_includes_the_head() -> None:
    assert partition().mask(["blocks.1"]).trained_share == (10 + 5) / 50


@given(st.lists(st.booleans(), min_size=5, max_size=5))
def test_bits_names_and_json_all_describe_the_same_mask(bits: list[bool]) -> None:
    whole = partition(5)
    chosen = whole.mask_from_bits(bits)
    assert chosen.bits == tuple(bits)
    assert chosen == whole.mask(name for name, bit in chosen.components.items() if bit)
    restored = Mask.from_dict(json.loads(json.dumps(chosen.to_dict())), partition(5))
    assert restored == chosen
    assert hash(restored) == hash(chosen)
    assert restored.key == chosen.key


def test_keys_tell_masks_partitions_and_networks_apart_and_never_change() -> None:
    masks = [partition().mask_from_bits(bits) for bits in ((0, 0, 0), (1, 0, 0), (0, 0, 1))]
    masks += [partition(name="other").head_only(), partition(network="other").head_only()]
    assert len({each.key for each in masks}) == len(masks)
    assert masks[1].key == "0a4742a76707"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "resnet"}, "network is 'resnet' where 'toy' is expected"),
        ({"partition": "norm"}, "partition is 'norm' where 'block' is expected"),
        ({"always_tuned": []}, "always_tuned is"),
        ({"components": {"blocks.0": True}}, "differ in 2 components, such as"),
        ({"components": [True, False, True]}, "from component names to true or false"),
        ({"components": {"blocks.0": 1, "blocks.1": 0, "blocks.2": 0}}, "from component names to true or false"),
    ],
)
def test_a_mask_of_something_else_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(MaskError, match=message):
        Mask.from_dict(partition().head_only().to_dict() | change, partition())


def test_unknown_and_always_tuned_components_cannot_be_chosen() -> None:
    with pytest.raises(MaskError, match=r"\['blocks.9'\] are not searchable .* Choose from \['blocks.0', "):
        partition().mask(["blocks.9"])
    with pytest.raises(MaskError, match="are not searchable"):
        partition().mask(["head"])


@pytest.mark.parametrize("bits", [[1, 0], [1, 0, 0, 1], [0, 2, 0]])
def test_bits_that_do_not_fit_are_refused(bits: list[int]) -> None:
    with pytest.raises(MaskError, match="do not fit the 3 searchable components"):
        partition().mask_from_bits(bits)


def test_a_parameter_belongs_to_one_component_and_a_component_holds_one() -> None:
    with pytest.raises(MaskError, match=r"names parameter \['w'\] more than once"):
        Partition("p", "n", (Component("a", ("w",), 1, "searchable"), Component("b", ("w",), 1, "frozen")))
    with pytest.raises(MaskError, match=r"names component \['a'\] more than once"):
        Partition("p", "n", (Component("a", ("w",), 1, "searchable"), Component("a", ("v",), 1, "frozen")))
    with pytest.raises(MaskError, match="hold no parameter"):
        Partition("p", "n", (Component("a", (), 0, "searchable"),))


def test_completeness_names_what_is_left_out_and_what_is_foreign() -> None:
    whole = partition()
    whole.check_complete(whole.parameter_names)
    with pytest.raises(MaskError, match=r"leaves out 1 parameters of the network \['extra'\]"):
        whole.check_complete([*whole.parameter_names, "extra"])
    with pytest.raises(MaskError, match=r"holds 1 that it has not \['stem.weight'\]"):
        whole.check_complete(whole.parameter_names - {"stem.weight"})


def test_masks_of_two_partitions_are_equal_where_they_train_the_same_parameters() -> None:
    pairs = Partition(
        "pairs",
        "toy",
        (
            Component("stem", ("stem.weight",), 15, "frozen"),
            Component(
                "low", tuple(f"blocks.{i}.{kind}" for i in (0, 1) for kind in ("weight", "bias")), 20, "searchable"
            ),
            Component("high", ("blocks.2.weight", "blocks.2.bias"), 10, "searchable"),
            Component("head", ("head.weight",), 5, "tuned"),
        ),
    )
    assert partition().find_equal(pairs.mask(["low"])) == partition().mask(["blocks.0", "blocks.1"])
    assert pairs.find_equal(partition().mask(["blocks.0"])) is None
    assert partition(network="other").find_equal(pairs.head_only()) is None


@pytest.mark.parametrize("module", [component, mask, partition_module])
def test_components_partitions_and_masks_name_no_torch(module: ModuleType) -> None:
    assert "torch" not in Path(str(module.__file__)).read_text()
