"""Small members of the families of networks that masks must account for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

__all__ = ["RESNETS", "TRANSFORMERS", "PlainNetwork"]

_SMALL: dict[str, Any] = {"depth": 2, "embed_dim": 32, "num_heads": 2}


def _timm(name: str, **arguments: Any) -> nn.Module:
    import timm

    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=2, **arguments)
    return network


TRANSFORMERS: dict[str, Callable[[], nn.Module]] = {
    "class token": partial(_timm, "vit_tiny_patch16_224", img_size=32, **_SMALL),
    "LayerScale": partial(_timm, "vit_small_patch14_dinov2", img_size=28, **_SMALL),
    "registers": partial(_timm, "vit_small_patch14_reg4_dinov2", img_size=28, **_SMALL),
    "distillation": partial(_timm, "deit_tiny_distilled_patch16_224", img_size=32, **_SMALL),
    "average pooling": partial(_timm, "vit_base_patch16_224.mae", img_size=32, global_pool="avg", **_SMALL),
    "pre-norm": partial(_timm, "vit_base_patch16_clip_224", img_size=32, **_SMALL),
    "no class token": partial(_timm, "vit_medium_patch16_gap_240", img_size=32, **_SMALL),
    "attention pooling": partial(_timm, "vit_base_patch16_siglip_224", img_size=32, **_SMALL),
    "query and key norms": partial(_timm, "vit_tiny_patch16_224", img_size=32, qk_norm=True, **_SMALL),
    "BEiT": partial(_timm, "beit_base_patch16_224", img_size=32, **_SMALL),
    "Swin": partial(
        _timm, "swin_tiny_patch4_window7_224", img_size=56, embed_dim=16, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2)
    ),
}
"""Vision Transformers by what is particular about them; each call builds one anew."""

RESNETS: dict[str, Callable[[], nn.Module]] = {
    "basic": partial(_timm, "resnet10t"),
    "bottleneck": partial(_timm, "resnet26", channels=(8, 8, 8, 8)),
}
"""Residual networks by their kind of block."""


class PlainNetwork(nn.Module):
    """Neither a transformer nor a ResNet: convolution, BatchNorm, dropout, head; images to logits.

    Args:
        num_classes: width of the head.
        img_size: not used; the network takes images of at least 5 pixels.
        in_chans: channels of the images.
        dropout: probability in the body.
    """

    def __init__(self, num_classes: int = 2, img_size: int = 8, in_chans: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.img_size = img_size
        self.stem = nn.Conv2d(in_chans, 4, 3)
        self.stem_norm = nn.BatchNorm2d(4)
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(4, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits ``(B, num_classes)`` of images ``(B, in_chans, H, W)``."""
        logits: Tensor = self.head(self.body(self.stem_norm(self.stem(images))).mean((2, 3)))
        return logits
