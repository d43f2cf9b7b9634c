"""A blended network is the tuned one where the mask says so, and the pretrained one elsewhere, to rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from monai_fairtune.cohort import Resident
from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks import FairTuneNetwork, Mask, PatternPartitioner, Stages
from monai_fairtune.tuning import Budget, Verdict
from monai_fairtune.tuning.blending import Blender, component_blocks, refitted_logits
from tests.masks.networks import TINY
from tests.tuning.small_tuner import MakeTuner

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
    network = FairTuneNetwork(backbone, image_size=size).double()  # so that rounding hides nothing, on any processor
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
    images = torch.rand(5, 3, size, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = Blender(network, space, tuned).features(masks, Images(images), batch_size=2)  # type: ignore[arg-type]
    for mask, features in zip(masks, found, strict=True):
        network.apply_mask(mask)
        network.load_delta({name: tuned[name] for name in network.delta()})
        network.eval()
        with torch.no_grad():
            values = network.backbone.forward_features(network.normalise(images))  # type: ignore[operator]
            expected = network.backbone.forward_head(values, pre_logits=True)  # type: ignore[operator]
        network.reset(0)
        np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


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
        component_blocks(Stages.of(network.backbone), space)


def test_fitted_heads_separate_what_can_be_separated() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    features = rng.normal(size=(400, 6)).astype(np.float32)
    features[:, 2] += 4 * labels
    logits = refitted_logits(features[:200], labels[:200], np.ones(200, np.float32), features[200:], ridge=1.0)
    assert ((logits > 0) == labels[200:]).mean() > 0.9


def test_fitted_heads_make_up_for_rare_classes_by_their_weights() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(300) % 10 == 0).astype(np.int64)
    features = rng.normal(size=(300, 4)).astype(np.float32) + labels[:, None]
    plain, weighted = (
        refitted_logits(features, labels, np.array(weights, np.float32)[labels], features)
        for weights in ([1.0, 1.0], [0.2, 1.8])
    )
    assert (weighted > 0).sum() > 2 * (plain > 0).sum()


def test_masks_come_back_in_the_order_in_which_they_were_asked_for(make_tuner: MakeTuner) -> None:
    tuner = make_tuner()
    space = tuner.network.partition("attention")
    network_masks = [space.mask(space.searchable[-n:]) for n in (3, 9, 1)] + [space.head_only(), space.all_tuned()]
    model = tuner.tune(
        space.all_tuned(), {"learning_rate": 1e-3}, Budget(1), seed=1, on_epoch=lambda _: Verdict(keep=True)
    ).model
    together = tuner.blend(model, network_masks)
    for mask, predictions in zip(network_masks, together, strict=True):
        (alone,) = tuner.blend(model, [mask])
        np.testing.assert_allclose(predictions.scores, alone.scores, atol=1e-6)
    assert not np.allclose(together[3].scores, together[4].scores)


def test_blending_takes_smaller_batches_where_memory_runs_out(
    make_tuner: MakeTuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner = make_tuner()
    space = tuner.network.partition("attention")
    model = tuner.tune(
        space.all_tuned(), {"learning_rate": 1e-3}, Budget(1), seed=1, on_epoch=lambda _: Verdict(keep=True)
    ).model
    features, sizes = Blender.features, list[int]()

    def small(self: Blender, masks: Sequence[Mask], images: Resident, batch_size: int) -> torch.Tensor:
        sizes.append(batch_size)
        if batch_size > 64:
            raise torch.OutOfMemoryError
        return features(self, masks, images, batch_size)

    monkeypatch.setattr(Blender, "features", small)
    assert len(tuner.blend(model, [space.head_only()])) == 1
    assert sizes == [256, 128, 64, 64]
