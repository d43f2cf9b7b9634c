"""FairTuneNetwork: how it is built, what it makes of images, and what a mask makes of it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_fairtune.exceptions import ConfigurationError, MaskError, WeightsError
from monai_fairtune.masks import FairTuneNetwork, PatternPartitioner, tiny_vit
from monai_fairtune.masks.options import is_absent
from tests.masks.networks import PLAIN, TINY


def tiny(**options: Any) -> FairTuneNetwork:
    defaults: dict[str, Any] = {"backbone": TINY, "image_size": 16, "backbone_arguments": {"depth": 3}}
    return FairTuneNetwork(**defaults | options)


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def disturb(network: nn.Module) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)


def returns_no_module(num_classes: int, img_size: int, in_chans: int) -> str:
    return "network"


@pytest.mark.parametrize("n_classes", [2, 5])
def test_images_become_one_logit_a_class(n_classes: int) -> None:
    assert tiny(n_classes=n_classes)(torch.rand(4, 3, 16, 16)).shape == (4, n_classes)


def test_images_are_normalised_inside() -> None:
    network = tiny(mean=[0.1, 0.2, 0.3], std=0.5).eval()
    images = torch.rand(2, 3, 16, 16)
    by_hand = (images - torch.tensor([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1)) / 0.5
    torch.testing.assert_close(network(images), network.backbone(by_hand))


def test_statistics_default_to_those_of_the_backbone() -> None:
    network = FairTuneNetwork("vit_tiny_patch16_224", image_size=32, backbone_arguments={"depth": 1})
    assert network.mean.flatten().tolist() == [0.5, 0.5, 0.5]
    dino = FairTuneNetwork("vit_small_patch14_dinov2", image_size=14, backbone_arguments={"depth": 1})
    torch.testing.assert_close(dino.mean.flatten(), torch.tensor([0.485, 0.456, 0.406]))


def test_one_channel_is_repeated_for_a_backbone_of_three() -> None:
    grey, colour = tiny(n_channels=1).eval(), tiny(n_channels=3).eval()
    images = torch.rand(2, 1, 16, 16)
    torch.testing.assert_close(grey(images), colour(images.repeat(1, 3, 1, 1)))


def test_a_backbone_may_take_one_channel_or_five() -> None:
    single = tiny(n_channels=1, backbone_arguments={"depth": 1, "in_chans": 1})
    assert single.backbone.get_parameter("patch_embed.proj.weight").shape[1] == 1
    assert tiny(n_channels=5)(torch.rand(1, 5, 16, 16)).shape == (1, 2)
    with pytest.raises(ConfigurationError, match="Images of 3 channels do not fit a backbone of 5"):
        tiny(n_channels=3, backbone_arguments={"in_chans": 5})


def test_convolutional_networks_take_any_image_size() -> None:
    network = FairTuneNetwork("resnet10t", image_size=40)
    assert network(torch.rand(2, 3, 40, 40)).shape == (2, 2)
    assert len(network.partition("block").searchable) == 4


def test_networks_of_one_seed_are_equal_and_of_two_seeds_differ() -> None:
    assert same(state(tiny(seed=3)), state(tiny(seed=3)))
    assert tiny(seed=3).backbone_sha256 == tiny(seed=3).backbone_sha256
    assert tiny(seed=3).backbone_sha256 != tiny(seed=4).backbone_sha256


def test_building_and_resetting_leave_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    tiny(seed=9).reset(3)
    assert torch.equal(before, torch.get_rng_state())


def test_global_random_state_does_not_change_the_network() -> None:
    torch.manual_seed(1)
    first = tiny()
    torch.manual_seed(2)
    assert same(state(first), state(tiny()))


def test_reset_brings_back_the_pretrained_weights_and_a_head_of_its_seed() -> None:
    network = tiny(seed=0)
    built = state(network.backbone)
    disturb(network.backbone)
    network.reset(0)
    assert same(state(network.backbone), built)
    network.reset(7)
    seventh = state(network.backbone)
    assert {name for name in built if not torch.equal(built[name], seventh[name])} == {"head.weight"}
    disturb(network.backbone)
    network.reset(7)
    assert same(state(network.backbone), seventh)


def test_a_head_starts_with_small_weights_and_without_bias() -> None:
    plain = FairTuneNetwork(PLAIN, image_size=8)
    assert torch.equal(plain.backbone.get_parameter("head.bias"), torch.zeros(2))
    assert 0.018 < float(tiny(n_classes=50).backbone.get_parameter("head.weight").detach().std()) < 0.022


def test_reset_keeps_mask_and_mode_and_drops_gradients() -> None:
    network = tiny()
    mask = network.partition("block").mask(["blocks.1"])
    network.apply_mask(mask)
    network.train()
    network(torch.rand(1, 3, 16, 16)).sum().backward()
    network.reset(1)
    assert network.mask == mask
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_mask_decides_exactly_what_is_trainable() -> None:
    network = tiny()
    assert all(parameter.requires_grad for parameter in network.parameters())
    for bits in ([1, 0, 1], [0, 1, 0], [0, 0, 0]):
        mask = network.partition("attention").mask_from_bits(bits)
        network.apply_mask(mask)
        trainable = {name for name, parameter in network.backbone.named_parameters() if parameter.requires_grad}
        assert trainable == mask.parameter_names == {name for name, _ in network.tuned_parameters()}
        assert network.head_parameter_names == {"head.weight", "head.bias"}
        assert network.mask is mask


def test_a_mask_drops_stale_gradients_of_what_it_freezes() -> None:
    network = tiny()
    network(torch.rand(1, 3, 16, 16)).sum().backward()
    network.apply_mask(network.partition("attention").head_only())
    with_gradient = {name for name, parameter in network.backbone.named_parameters() if parameter.grad is not None}
    assert with_gradient == network.head_parameter_names


def test_a_mask_of_another_network_is_refused() -> None:
    other = FairTuneNetwork(PLAIN, image_size=8)
    with pytest.raises(MaskError, match=r"The mask belongs to network 'monai_fairtune.testing"):
        tiny().apply_mask(other.anchors()["full"])
    deeper = tiny(backbone_arguments={"depth": 4})
    with pytest.raises(MaskError, match="holds 12 that it has not"):
        tiny().apply_mask(deeper.partition("attention").head_only())


def test_a_mask_is_given_as_file_object_or_mask(tmp_path: Path) -> None:
    mask = tiny().partition("norm / attention / mlp").mask(["blocks.0.norm", "blocks.2.mlp"])
    (tmp_path / "mask.json").write_text(json.dumps(mask.to_dict()))
    (tmp_path / "result.json").write_text(json.dumps({"mask": mask.to_dict(), "method": "found mask"}))
    for given in (mask, mask.to_dict(), tmp_path / "mask.json", str(tmp_path / "result.json")):
        assert tiny(mask=given).mask == mask
    anchor = tiny().anchors()["bias"]
    assert tiny(mask=anchor.to_dict()).mask == anchor


@pytest.mark.parametrize(
    ("content", "message"), [("[1, 0, 1]", "holds no JSON object"), ("{", "cannot be read"), (None, "cannot be read")]
)
def test_a_mask_file_that_holds_no_mask_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "mask.json").write_text(content)
    with pytest.raises(MaskError, match=message):
        tiny(mask=tmp_path / "mask.json")


def test_a_mask_of_an_unknown_partition_is_refused() -> None:
    data = tiny().anchors()["bias"].to_dict()
    with pytest.raises(MaskError, match="has no search space 'heads'"):
        tiny(mask=data | {"partition": "heads"})
    with pytest.raises(MaskError, match="network is 'other'"):
        tiny(mask=data | {"network": "other"})


def test_a_partitioner_of_ones_own_is_as_good_as_a_search_space() -> None:
    network = FairTuneNetwork(PLAIN, image_size=8)
    mask = network.partition(PatternPartitioner({"stem": r"stem\..*"})).all_tuned()
    network.apply_mask(mask)
    assert {name for name, _ in network.tuned_parameters()} == {"stem.weight", "stem.bias", "head.weight", "head.bias"}


@pytest.mark.parametrize("nothing", [None, "null", "None", "", " NULL "])
def test_options_from_the_command_line_may_say_null(nothing: str | None) -> None:
    names = ("weights", "mask", "delta", "weights_sha256", "mean", "std", "backbone_arguments")
    assert is_absent(nothing)
    assert len(dict(tiny(**dict.fromkeys(names, nothing)).backbone.named_children())["blocks"]) == 12  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "vit_smol_patch16_224"}, r"There is no backbone .* such as \['vit_"),
        ({"backbone": "vit_small_patch14_dinov2.nonsense"}, r"no weights called .* Choose one of \['vit_small_patch14"),
        ({"backbone": "monai_fairtune.masks.nothing"}, "There is no backbone"),
        ({"backbone": "no_package.nothing"}, "There is no backbone"),
        ({"backbone": "tests.masks.test_masks_network.returns_no_module", "backbone_arguments": {}}, "returned a str"),
        ({"backbone": PLAIN, "backbone_arguments": {"colour": 1}}, "refuses its arguments .* Correct"),
        ({"backbone": "resnet10t", "backbone_arguments": {"colour": 1}}, "refuses its arguments .* Correct"),
        ({"backbone_arguments": {"num_classes": 3}}, "Use the option n_classes"),
        ({"backbone_arguments": {"img_size": 3}}, "Use the option image_size"),
        ({"backbone_arguments": {"checkpoint_path": "w.pt"}}, "Use the option weights"),
        ({"backbone_arguments": {"pretrained_cfg": {"url": "w.pt"}}}, "Use the option weights"),
        ({"backbone_arguments": "depth=3"}, "Give an object of argument names"),
        ({"image_size": 20}, "20 is no multiple of the patches of 8 pixels .* Choose 16 or 24"),
        ({"image_size": 4}, "4 is no multiple of the patches of 8 pixels .* Choose 8"),
        ({"image_size": "large"}, "image_size is 'large'"),
        ({"image_size": 16.5}, "image_size is 16.5"),
        ({"n_classes": 0}, "n_classes is 0"),
        ({"n_channels": True}, "n_channels is True"),
        ({"mean": [0.1, 0.2]}, r"mean is \[0.1, 0.2\] for a backbone of 3 channels"),
        ({"std": 0.0}, "Give numbers above 0"),
        ({"std": float("nan")}, "Give one finite number a channel"),
        ({"weights": "download"}, "only timm's are downloaded"),
    ],
)
def test_options_that_make_no_network_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        tiny(**options)


def test_a_download_without_a_network_fails_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=r"cannot be downloaded: .* give the file as weights"):
        FairTuneNetwork("vit_tiny_patch16_224", weights="download", image_size=32, backbone_arguments={"depth": 1})


def test_copies_are_independent() -> None:
    network = tiny()
    twin = copy.deepcopy(network)
    disturb(twin.backbone)
    twin.apply_mask(twin.anchors()["head only"])
    assert same(state(network), state(tiny()))
    assert network.mask == network.anchors()["full"]


def test_the_tiny_vit_has_twelve_blocks_and_any_image_size() -> None:
    assert tiny_vit(num_classes=3, img_size=24)(torch.rand(1, 3, 24, 24)).shape == (1, 3)
    assert len(FairTuneNetwork(TINY, image_size=48).partition("attention").searchable) == 12
