"""Real weights: a pretrained ViT-S/14 loads at several resolutions and sees more than a random one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from monai_fairtune.exceptions import WeightsError
from monai_fairtune.masks import FairTuneNetwork

VIT_S = "vit_small_patch14_dinov2.lvd142m"


@pytest.fixture(scope="module")
def weights(shared: Path) -> Path:
    (path,) = (shared / "weights").glob("*.safetensors")
    return path


@pytest.fixture(scope="module")
def sha256(shared: Path) -> str:
    return (shared / "weights" / "SHA256SUMS").read_text().split()[0]


def features(network: FairTuneNetwork, images: torch.Tensor) -> torch.Tensor:
    network.eval()
    with torch.no_grad():
        normalised = (images - network.mean) / network.std
        output: torch.Tensor = network.backbone.forward_features(normalised)[:, 0]  # type: ignore[operator]
    return output


@pytest.mark.parametrize("image_size", [70, 98])
def test_the_real_backbone_loads_and_its_features_differ_from_random_ones(
    weights: Path, sha256: str, image_size: int
) -> None:
    network = FairTuneNetwork(VIT_S, weights=weights, image_size=image_size, weights_sha256=sha256)
    random = FairTuneNetwork(VIT_S, image_size=image_size)
    images = torch.rand(4, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
    assert network.backbone_sha256 == sha256
    assert network(images).shape == (4, 2)
    cosine = torch.nn.functional.cosine_similarity(features(network, images), features(random, images))
    assert float(cosine.abs().max()) < 0.5
    assert float(features(network, images).std()) > 2 * float(features(random, images).std(dim=0).mean())


def test_resampling_changes_only_the_position_embedding(weights: Path) -> None:
    states = [FairTuneNetwork(VIT_S, weights=weights, image_size=size).backbone.state_dict() for size in (70, 224)]
    differing = [
        name
        for name in states[0]
        if not torch.equal(
            *(state[name] if state[name].shape == states[0][name].shape else torch.zeros(()) for state in states)
        )
    ]
    assert differing == ["pos_embed"]


def test_the_real_backbone_is_refused_by_another_size(weights: Path) -> None:
    with pytest.raises(WeightsError, match="Give weights of this very backbone"):
        FairTuneNetwork("vit_base_patch14_dinov2", weights=weights, image_size=70)
    with pytest.raises(WeightsError, match=r"cannot be fitted .* it lacks \['reg_token'\]"):
        FairTuneNetwork("vit_small_patch14_reg4_dinov2", weights=weights, image_size=70)
