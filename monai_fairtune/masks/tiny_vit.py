"""A Vision Transformer that trains in seconds on one CPU core: for the demo, the tests and the tutorials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

__all__ = ["TINY_VIT_SHA256", "TINY_VIT_WEIGHTS", "tiny_vit"]

TINY_VIT_WEIGHTS: Path = Path(__file__).parent / "weights" / "tiny_vit.safetensors"
"""Weights of ``tiny_vit()`` that are shipped with the package."""

TINY_VIT_SHA256: str = "eef9ff700ee2cf10cd028626263edae0b87ca50a96919a28b106ba648d07ffa4"
"""SHA-256 of the file ``TINY_VIT_WEIGHTS``, 64 hexadecimal digits."""


def tiny_vit(num_classes: int = 2, img_size: int = 48, in_chans: int = 3, **kwargs: Any) -> nn.Module:
    """Returns a Vision Transformer of 12 blocks and 0.6 million parameters, initialised from torch's global seed.

    It has as many blocks as ViT-B, so that its search spaces have the paper's numbers of bits.

    Args:
        num_classes: width of the head; 0 leaves the head out, so that the module returns features.
        img_size: height and width of the images, pixels; a multiple of 8.
        in_chans: channels of the images.
        **kwargs: further arguments of ``timm.models.vision_transformer.VisionTransformer``, which take precedence.

    Returns:
        The module: images ``(B, in_chans, img_size, img_size)`` to logits ``(B, num_classes)``. As on timm's own
        models, ``pretrained_cfg`` names the mean and standard deviation that images are normalised with.

    Example:
        >>> import torch
        >>> tiny_vit()(torch.zeros(1, 3, 48, 48)).shape
        torch.Size([1, 2])
    """
    from timm.models.vision_transformer import VisionTransformer

    arguments = {"patch_size": 8, "embed_dim": 64, "depth": 12, "num_heads": 4, "init_values": None} | kwargs
    network: nn.Module = VisionTransformer(num_classes=num_classes, img_size=img_size, in_chans=in_chans, **arguments)
    network.pretrained_cfg = {"mean": (0.5,) * in_chans, "std": (0.5,) * in_chans}  # type: ignore[assignment]
    return network
