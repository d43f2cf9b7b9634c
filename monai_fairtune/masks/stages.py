"""A network cut into stages, so that networks that differ in late stages share the early ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from monai_fairtune.exceptions import MaskError

__all__ = ["Stages"]


@dataclass(frozen=True)
class Stages:
    """What a backbone does, step by step: ``start``, then each of ``blocks``, then ``finish``.

    Args:
        start: from normalised images ``(B, C, S, S)`` to the first block's input.
        blocks: by their paths in the backbone, in forward order.
        finish: from the last block's output to the features ``(B, d)`` that the head classifies.
    """

    start: Callable[[Tensor], Tensor]
    blocks: Mapping[str, nn.Module]
    finish: Callable[[Tensor], Tensor]

    @classmethod
    def of(cls, backbone: nn.Module) -> Stages:
        """Returns the stages of one of timm's Vision Transformers or ResNets.

        Raises:
            MaskError: if the backbone is of another kind, or does more than its stages do.
        """
        for kind in (_transformer, _resnet):
            stages = kind(backbone)
            if stages is not None and stages._is_whole(backbone):
                return stages
        raise MaskError(
            f"{type(backbone).__name__} cannot be cut into stages as timm's Vision Transformers and ResNets can. "
            "Use one of those, or leave screening out."
        )

    def run(self, path: str, tensors: Mapping[str, Tensor], values: Tensor) -> Tensor:
        """Returns the output of a block that has ``tensors``, named as in the backbone, instead of its own."""
        own = {name.removeprefix(f"{path}."): tensor for name, tensor in tensors.items()}
        found: Tensor = functional_call(self.blocks[path], own, (values,))
        return found

    def block_of(self, parameter: str) -> str | None:
        """Returns the path of the block that holds a parameter, or None."""
        return next((path for path in self.blocks if parameter.startswith(f"{path}.")), None)

    def _is_whole(self, backbone: nn.Module) -> bool:
        """Says whether the stages give what the backbone gives."""
        size = getattr(getattr(backbone, "patch_embed", None), "img_size", None) or (32, 32)
        weight = next(parameter for parameter in backbone.parameters() if parameter.ndim == 4)
        image = torch.linspace(-1, 1, weight.shape[1] * size[0] * size[1], device=weight.device)
        image = image.reshape(1, weight.shape[1], *size).to(weight.dtype)
        modes = {module: module.training for module in backbone.modules()}
        backbone.eval()
        with torch.no_grad():
            values = self.start(image)
            for block in self.blocks.values():
                values = block(values)
            found = self.finish(values)
            expected = backbone.forward_head(backbone.forward_features(image), pre_logits=True)  # type: ignore[operator]
        for module, mode in modes.items():
            module.training = mode
        return found.shape == expected.shape and torch.allclose(found, expected, rtol=1e-4, atol=1e-5)


def _transformer(backbone: Any) -> Stages | None:
    if not all(hasattr(backbone, name) for name in ("patch_embed", "_pos_embed", "norm_pre", "blocks", "norm")):
        return None
    return Stages(
        lambda images: backbone.norm_pre(backbone.patch_drop(backbone._pos_embed(backbone.patch_embed(images)))),
        {f"blocks.{name}": block for name, block in backbone.blocks.named_children()},
        lambda values: backbone.forward_head(backbone.norm(values), pre_logits=True),
    )


def _resnet(backbone: Any) -> Stages | None:
    layers = [f"layer{number}" for number in range(1, 5)]
    if not all(hasattr(backbone, name) for name in ("conv1", "bn1", "act1", "maxpool", *layers)):
        return None
    return Stages(
        lambda images: backbone.maxpool(backbone.act1(backbone.bn1(backbone.conv1(images)))),
        {f"{layer}.{name}": block for layer in layers for name, block in getattr(backbone, layer).named_children()},
        lambda values: backbone.forward_head(values, pre_logits=True),
    )
