"""A blended network is the tuned one where the mask says so, and the pretrained one elsewhere, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks import FairTuneNetwork, Mask, PatternPartitioner, Stages
from monai_fairtune.tuning.blending import Blender
from monai_fairtune.tuning.heads import fit_heads

TINY = "monai_fairtune.masks.tiny_vit.tiny_vit"
RESNET = "resnet18"


class Images:
    """As much of a split as a forward pass needs."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def batches(self, batch_size: int, *, shuffle: bool) -> list[dict[str, torch.Tensor]]:
        assert not shuffle
        return [{"image": part} for part in torch.split(self.images, batch_size)]


def perturbed(network: FairTuneNetwork, mask: Mask) -> dict[str, torch.Tensor]:
    """Tensors as a training might leave them."""
    network.apply_mask(mask)
    generator = torch.Generator().manual_seed(0)
    noise = {name: 0.05 * torch.rand(t.shape, generator=generator) for name, t in network.delta().items()}
    return {name: tensor + noise[name].to(tensor.dtype) for name, tensor in network.delta().items()}


@pytest.mark.parametrize(
    ("backbone", "size", "search_space"),
    [(TINY, 16, "attention"), (TINY, 16, "norm1 / attention / norm2 / mlp"), (RESNET, 32, "block")],
)
def test_features_equal_those_of_the_network_itself(backbone: str, size: int, search_space: str) -> None:
    network = FairTuneNetwork(backbone, image_size=size)
    space = network.partition(search_space)
    tuned = perturbed(network, space.all_tuned())
    names = space.searchable
    masks = [
        space.head_only(),
        space.all_tuned(),
        space.mask(names[::3]),
        space.mask(names[-2:]),
        space.mask(names[::3]),
    ]
    images = torch.rand(5, 3, size, size, generator=torch.Generator().manual_seed(1))
    found = Blender(network, space, tuned).features(masks, Images(images), batch_size=2)  # type: ignore[arg-type]
    for mask, features in zip(masks, found, strict=True):
        network.apply_mask(mask)
        network.load_delta({name: tuned[name] for name in network.delta()})
        network.eval()
        with torch.no_grad():
            values = network.backbone.forward_features(network.normalise(images))  # type: ignore[operator]
            expected = network.backbone.forward_head(values, pre_logits=True)  # type: ignore[operator]
        network.reset(0)
        np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)


def test_masks_that_agree_early_share_the_early_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    network = FairTuneNetwork(TINY, image_size=16)
    space = network.partition("attention")
    blender = Blender(network, space, perturbed(network, space.all_tuned()))
    calls: list[str] = []
    run = Stages.run

    def counting(self: Stages, path: str, *arguments: object) -> torch.Tensor:
        calls.append(path)
        return run(self, path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Stages, "run", counting)
    masks = [space.mask(space.searchable[:n]) for n in (12, 11)]
    blender.features(masks, Images(torch.rand(1, 3, 16, 16)))  # type: ignore[arg-type]
    assert len(calls) == 13


def test_components_that_were_not_tuned_cannot_be_screened() -> None:
    network = FairTuneNetwork(TINY, image_size=16)
    space = network.partition("attention")
    tuned = perturbed(network, space.mask(space.searchable[:3]))
    with pytest.raises(MaskError, match="were not tuned"):
        Blender(network, space, tuned)


def test_components_across_blocks_cannot_be_screened() -> None:
    network = FairTuneNetwork(TINY, image_size=16)
    space = network.partition(PatternPartitioner({"norms": r"blocks\.\d+\.norm.*"}))
    with pytest.raises(MaskError, match="cannot be screened: it lies in blocks"):
        Blender(network, space, perturbed(network, space.all_tuned()))


def test_fitted_heads_separate_what_can_be_separated() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 2
    features = torch.randn(2, 200, 6, generator=generator)
    features[0, :, 2] += 3 * labels
    slopes, offsets = fit_heads(features, labels, torch.tensor([1.0, 1.0]), ridge=1.0)
    logits = torch.einsum("mnd,md->mn", features, slopes) + offsets[:, None]
    right = ((logits > 0) == labels.bool()).float().mean(dim=1)
    assert right[0] > 0.9
    assert right[1] < 0.7


def test_heads_are_those_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    features = torch.randn(1, 120, 5, generator=torch.Generator().manual_seed(2))
    features = (features - features.mean(1, keepdim=True)) / features.std(1, keepdim=True)
    labels = (features[0, :, 0] + torch.randn(120, generator=torch.Generator().manual_seed(3)) > 0).long()
    slopes, offsets = fit_heads(features, labels, torch.tensor([1.0, 1.0]), ridge=4.0)
    reference = LogisticRegression(C=0.25, tol=1e-10).fit(features[0].numpy(), labels.numpy())
    np.testing.assert_allclose(slopes[0], reference.coef_[0], atol=1e-3)
    np.testing.assert_allclose(offsets[0], reference.intercept_[0], atol=1e-3)
