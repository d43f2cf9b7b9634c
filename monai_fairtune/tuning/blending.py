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
from monai_fairtune.tuning.heads import fit_heads
from monai_fairtune.tuning.tuning_data import TuningData

__all__ = ["Blender"]

_MASKS_AT_ONCE = 32
"""Masks whose features are held at the same time."""


class Blender:
    """Blends the pretrained network with one tuned version of it, mask by mask, without any training.

    Masks that agree on the early blocks share their forward passes: all ``2**12`` masks over 12 blocks cost about as
    much as 700 passes through the network. Weights are never mixed within a component: it is the tuned one or the
    pretrained one.

    Args:
        network: brought back to its pretrained weights.
        partition: of the masks.
        tuned: tensors of a training that tuned all searchable components, as ``network.delta()`` gives them.

    Raises:
        MaskError: if the network cannot be cut into stages, a component does not lie within one block, or one was not
            tuned.
    """

    def __init__(self, network: FairTuneNetwork, partition: Partition, tuned: Mapping[str, Tensor]) -> None:
        network.reset(0)
        network.eval()
        self.network, self.partition = network, partition
        self.stages = Stages.of(network.backbone)
        self._tensors: dict[str, dict[str, dict[str, Tensor]]] = {path: {} for path in self.stages.blocks}
        for component in partition.components:
            if component.role == "searchable":
                path, names = self._place(component, tuned)
                self._tensors[path][component.name] = {name: tuned[name].to(network.mean.device) for name in names}

    def _place(self, component: Component, tuned: Mapping[str, Tensor]) -> tuple[str, list[str]]:
        """Returns the block that holds a component, and the names of its tensors, running statistics included."""
        paths = {self.stages.block_of(name) for name in component.parameters}
        missing = [name for name in component.parameters if name not in tuned]
        (path,) = paths if len(paths) == 1 else (None,)
        if path is None or missing:
            raise MaskError(
                f"Component {component.name!r} cannot be screened: it lies in blocks {sorted(map(str, paths))}, and "
                f"{len(missing)} of its tensors were not tuned. Choose a search space of components within blocks."
            )
        modules = {name.rpartition(".")[0] for name in component.parameters}
        buffers = [name for name in tuned if name not in self.partition.parameter_names]
        return path, [*component.parameters, *(name for name in buffers if name.rpartition(".")[0] in modules)]

    def logits(self, masks: Sequence[Mask], data: TuningData, batch_size: int) -> list[NDArray[np.float64]]:
        """Returns logits ``(n, 2)`` of the images that validate for each mask, with a head fitted to its features.

        Args:
            masks: of the partition; those with equal early blocks are cheaper side by side.
            data: heads are fitted to the images that are trained on, without augmentation.
            batch_size: images a forward pass.
        """
        found = []
        for start in range(0, len(masks), _MASKS_AT_ONCE):
            some = masks[start : start + _MASKS_AT_ONCE]
            train = self.features(some, data.train, batch_size)
            slopes, offsets = fit_heads(train, data.train.labels.to(train.device), data.class_weights)
            validation = self.features(some, data.validation, batch_size)
            logits = (torch.einsum("mnd,md->mn", validation, slopes) + offsets[:, None]).double().cpu().numpy()
            found += [np.stack([np.zeros_like(one), one], axis=1) for one in logits]
        return found

    @torch.no_grad()
    def features(self, masks: Sequence[Mask], images: Resident, batch_size: int = 256) -> Tensor:
        """Returns what the head would classify: float32 ``(n_masks, n_images, d)``, on the images' device and in order.

        Args:
            masks: of the partition.
            images: to be passed through.
            batch_size: images at a time; memory holds one batch's values at every depth.
        """
        parts = []
        for batch in images.batches(batch_size, shuffle=False):
            with self.network.autocast():
                values = self.stages.start(self.network.normalise(batch["image"]))
                found = self._walk(list(self.stages.blocks), values, list(enumerate(masks)))
            parts.append(torch.stack([found[place].float() for place in range(len(masks))]))
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
