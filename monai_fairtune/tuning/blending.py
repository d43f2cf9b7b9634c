"""What networks would give that have tuned weights where a mask says so, and pretrained ones elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_fairtune.cohort import Resident
from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks import Component, FairTuneNetwork, Mask, Partition, Stages
from monai_fairtune.tuning.tuning_data import TuningData

__all__ = ["Blender", "component_blocks", "refitted_logits"]

_MASKS_AT_ONCE = 32
"""Masks whose features are held at the same time."""


class Blender:
    """Blends the pretrained network with one tuned version of it, mask by mask, without any training.

    Masks that agree on the early blocks share their forward passes: all ``2**12`` masks over 12 blocks cost about as
    much as 700 passes through the network. Weights are never mixed within a component: it is the tuned one or the
    pretrained one.

    Args:
        network: brought back to its pretrained weights, and into eval mode.
        partition: of the masks.
        tuned: tensors of a training that tuned all searchable components, as ``network.delta()`` gives them.

    Raises:
        MaskError: as ``component_blocks``, or if a component was not tuned.
    """

    def __init__(self, network: FairTuneNetwork, partition: Partition, tuned: Mapping[str, Tensor]) -> None:
        self.network, self.stages = network, Stages.of(network.backbone)
        self._tensors: dict[str, dict[str, dict[str, Tensor]]] = {path: {} for path in self.stages.blocks}
        buffers = [name for name in tuned if name not in partition.parameter_names]
        for component, path in component_blocks(self.stages, partition).items():
            modules = {name.rpartition(".")[0] for name in component.parameters}
            names = [*component.parameters, *(name for name in buffers if name.rpartition(".")[0] in modules)]
            missing = [name for name in names if name not in tuned]
            if missing:
                raise MaskError(
                    f"{len(missing)} tensors of component {component.name!r} were not tuned, such as {missing[0]!r}. "
                    "Blend a model whose mask tunes every component."
                )
            self._tensors[path][component.name] = {name: tuned[name].to(network.mean.device) for name in names}
        network.reset(0)
        network.eval()

    def logits(self, masks: Sequence[Mask], data: TuningData, batch_size: int) -> list[NDArray[np.float64]]:
        """Returns logits ``(n,)`` of the images that validate for each mask, with a head fitted to its features.

        Args:
            masks: of the partition.
            data: heads are fitted to the images that are trained on, without augmentation.
            batch_size: images a forward pass.
        """
        found: dict[int, NDArray[np.float64]] = {}
        order = sorted(range(len(masks)), key=lambda place: masks[place].bits)  # masks that begin alike, side by side
        labels = data.train.labels.cpu().numpy()
        weights = data.class_weights.cpu().numpy()[labels]
        for start in range(0, len(order), _MASKS_AT_ONCE):
            places = order[start : start + _MASKS_AT_ONCE]
            some = [masks[place] for place in places]
            parts = (self.features(some, images, batch_size).numpy() for images in (data.train, data.validation))
            for place, train, validation in zip(places, *parts, strict=True):
                found[place] = refitted_logits(train, labels, weights, validation)
        return [found[place] for place in range(len(masks))]

    @torch.no_grad()
    def features(self, masks: Sequence[Mask], images: Resident, batch_size: int = 256) -> Tensor:
        """Returns what the head would classify: float32 ``(n_masks, n_images, d)``, on the processor and in order.

        Args:
            masks: of the partition.
            images: to be passed through.
            batch_size: images at a time; the device holds one batch's values at every depth.
        """
        parts = []
        for batch in images.batches(batch_size, shuffle=False):
            with self.network.autocast():
                values = self.stages.start(self.network.normalise(batch["image"]))
                found = self._walk(list(self.stages.blocks), values, list(enumerate(masks)))
            parts.append(torch.stack([found[place].float() for place in range(len(masks))]).cpu())
        return torch.cat(parts, dim=1)

    def _walk(self, paths: Sequence[str], values: Tensor, members: list[tuple[int, Mask]]) -> dict[int, Tensor]:
        """Goes through the remaining blocks once for each way in which the members differ there."""
        if not paths:
            features = self.stages.finish(values)
            return {place: features for place, _ in members}
        path, *rest = paths
        alike: dict[tuple[str, ...], list[tuple[int, Mask]]] = defaultdict(list)
        for place, mask in members:
            alike[tuple(name for name in self._tensors[path] if name in mask.tuned)].append((place, mask))
        found: dict[int, Tensor] = {}
        for names, those in alike.items():
            tensors = {key: tensor for name in names for key, tensor in self._tensors[path][name].items()}
            found |= self._walk(rest, self.stages.run(path, tensors, values), those)
        return found


def component_blocks(stages: Stages, partition: Partition) -> dict[Component, str]:
    """Returns the block that holds each searchable component.

    Raises:
        MaskError: if a component does not lie within one block.
    """
    found = {}
    for component in partition.components:
        if component.role == "searchable":
            paths = {stages.block_of(name) for name in component.parameters}
            (path,) = paths if len(paths) == 1 else (None,)
            if path is None:
                raise MaskError(
                    f"Component {component.name!r} cannot be screened: it lies in blocks {sorted(map(str, paths))}. "
                    "Choose a search space of components within blocks, or leave screening out."
                )
            found[component] = path
    return found


def refitted_logits(
    train: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float32],
    validation: NDArray[np.float32],
    *,
    ridge: float = 100.0,
) -> NDArray[np.float64]:
    """Fits a logistic regression to standardised features and returns its logits of others.

    Args:
        train: features ``(n_train, d)``.
        labels: 0 or 1, ``(n_train,)``.
        weights: of each image, ``(n_train,)``.
        validation: features ``(n_validation, d)``.
        ridge: what the squared weights cost, above 0, beside the sum of losses whose image weights have mean 1.

    Returns:
        Shape ``(n_validation,)``; one thread computes it, so that the same features give the same logits to the bit.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    regression = make_pipeline(StandardScaler(), LogisticRegression(C=1 / ridge, max_iter=1000))
    with threadpool_limits(1):
        regression.fit(train.astype(np.float64), labels, logisticregression__sample_weight=weights / weights.mean())
        logits: NDArray[np.float64] = regression.decision_function(validation.astype(np.float64))
    return logits
