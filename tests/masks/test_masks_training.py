"""What is frozen stays frozen: no gradient, no step, no dropout, no statistics."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_fairtune.masks import FairTuneNetwork, Mask, PatternPartitioner
from monai_fairtune.masks.train_mode import trained_modules
from tests.masks.networks import PLAIN, TINY


def tiny(**arguments: Any) -> FairTuneNetwork:
    return FairTuneNetwork(TINY, image_size=16, backbone_arguments={"depth": 4} | arguments)


def step(network: FairTuneNetwork, image_size: int = 16) -> None:
    """One ordinary training step of everything that asks for a gradient."""
    optimizer = torch.optim.AdamW([parameter for _, parameter in network.tuned_parameters()], lr=0.01)
    network.train()
    loss = nn.functional.cross_entropy(network(torch.rand(4, 3, image_size, image_size)), torch.tensor([0, 1, 0, 1]))
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def masks(network: FairTuneNetwork) -> list[Mask]:
    attention = network.partition("attention")
    return [*network.anchors().values(), attention.mask_from_bits([0, 1, 0, 1]), attention.mask_from_bits([0, 0, 1, 0])]


@pytest.mark.parametrize("number", range(7))
def test_a_step_changes_what_is_tuned_and_no_bit_of_anything_else(number: int) -> None:
    network = tiny(init_values=1e-2, qk_norm=True)
    mask = masks(network)[number]
    network.apply_mask(mask)
    before = {name: tensor.clone() for name, tensor in network.backbone.state_dict().items()}
    step(network)
    changed = {name for name, tensor in network.backbone.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == mask.parameter_names


def test_no_gradient_is_computed_below_the_lowest_tuned_component() -> None:
    network = tiny()
    network.apply_mask(network.partition("attention").mask(["blocks.2.attention"]))
    network.train()
    wants_gradient: dict[str, bool] = {}
    for path, module in network.backbone.named_modules():
        module.register_forward_hook(
            lambda _module, _inputs, output, path=path: wants_gradient.update({path: output.grad_fn is not None})
        )
    network(torch.rand(2, 3, 16, 16)).sum().backward()
    assert not any(wants_gradient[f"blocks.{block}"] for block in (0, 1))
    assert not wants_gradient["patch_embed"]
    assert not wants_gradient["blocks.2.norm1"]
    assert wants_gradient["blocks.2.attn.qkv"]
    assert wants_gradient["blocks.2"]
    assert wants_gradient["blocks.3"]


def test_dropout_is_off_in_frozen_blocks_and_on_in_tuned_ones() -> None:
    network = tiny(proj_drop_rate=0.5, attn_drop_rate=0.5, drop_path_rate=0.5)
    network.apply_mask(network.partition("block").mask(["blocks.2"]))
    network.train()
    training = {path: module.training for path, module in network.backbone.named_modules()}
    for block in (1, 3):
        assert not any(training[path] for path in training if path.startswith(f"blocks.{block}"))
    assert all(training[path] for path in training if path.startswith("blocks.2"))

    outputs: dict[str, list[Tensor]] = {"blocks.1": [], "blocks.2": []}
    for path, seen in outputs.items():
        network.backbone.get_submodule(path).register_forward_hook(
            lambda _module, _inputs, output, seen=seen: seen.append(output.detach())
        )
    images = torch.rand(2, 3, 16, 16)
    network(images), network(images)
    assert torch.equal(*outputs["blocks.1"])
    assert not torch.equal(*outputs["blocks.2"])


def test_dropout_of_a_block_follows_the_part_that_it_belongs_to() -> None:
    network = tiny(proj_drop_rate=0.5, drop_path_rate=0.5)
    network.apply_mask(network.partition("attention / mlp").mask(["blocks.3.mlp"]))
    network.train()
    training = {path: module.training for path, module in network.backbone.named_modules()}
    assert training["blocks.3.mlp.drop1"]
    assert training["blocks.3.drop_path2"]
    assert not training["blocks.3.attn.proj_drop"]
    assert not training["blocks.3.attn"]


def test_train_called_at_every_iteration_keeps_frozen_parts_in_eval_mode() -> None:
    network = FairTuneNetwork(PLAIN, image_size=8)
    network.apply_mask(network.anchors()["head only"])
    for _ in range(2):
        network.train()
        assert network.training
        assert not network.backbone.get_submodule("stem_norm").training
        assert network.backbone.get_submodule("head").training
    assert not any(module.training for module in network.eval().modules())


def test_a_mask_that_is_applied_in_train_mode_takes_effect_at_once() -> None:
    network = tiny().train()
    network.apply_mask(network.partition("block").mask(["blocks.0"]))
    assert network.backbone.get_submodule("blocks.0.mlp").training
    assert not network.backbone.get_submodule("blocks.1.mlp").training


def test_frozen_batch_norms_keep_their_statistics_and_tuned_ones_pass_them_on() -> None:
    network = FairTuneNetwork(PLAIN, image_size=8)
    network.apply_mask(network.partition(PatternPartitioner({"norm": r"body\.1\..*"})).all_tuned())
    before = {name: tensor.clone() for name, tensor in network.backbone.state_dict().items()}
    step(network, image_size=8)
    delta = network.delta()
    changed = {name for name, tensor in network.backbone.state_dict().items() if not torch.equal(tensor, before[name])}
    running = {f"body.1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}
    assert changed == delta.keys()
    assert running <= delta.keys()
    assert not any(name.startswith("stem") for name in delta)


@pytest.mark.parametrize("anchor", ["head only", "full", "bias", "norm"])
def test_delta_holds_everything_that_training_a_resnet_changes(anchor: str) -> None:
    network = FairTuneNetwork("resnet10t", image_size=32)
    network.apply_mask(network.anchors()[anchor])
    step(network, image_size=32)
    trained, delta = {name: tensor.clone() for name, tensor in network.backbone.state_dict().items()}, network.delta()
    network.reset(5)
    network.load_delta(delta)
    restored = network.backbone.state_dict()
    assert [name for name in trained if not torch.equal(trained[name], restored[name])] == []


def test_a_norm_without_weights_follows_its_ancestor() -> None:
    network = nn.Sequential(
        nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)), nn.Sequential(nn.Sequential(nn.Dropout()))
    )
    assert trained_modules(network, frozenset({"0.0.weight"})) == {"", "0", "0.0", "0.1", "1", "1.0", "1.0.0"}
    outer = nn.Sequential(network, nn.Linear(2, 2))
    assert trained_modules(outer, frozenset({"1.weight"})) == {"", "1"}


def test_modules_that_share_a_parameter_train_together() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network.get_submodule("1").weight = network.get_parameter("0.weight")
    assert trained_modules(network, frozenset({"0.weight"})) == {"", "0", "1"}
