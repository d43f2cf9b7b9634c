"""Random variation of training images."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from torch import nn

__all__ = ["default_augmentation"]


def default_augmentation(image_size: int) -> nn.Module:
    """Returns a mild random transform of whole batches, each image with its own draw, on whatever device they are.

    Half of the images are mirrored left to right; all are turned by up to 15 degrees, shifted by up to 5 % and scaled
    by up to 10 %, what comes into view being reflected; brightness and contrast vary by up to 10 %. Leave it out, or
    give your own module, where left and right carry meaning.

    Args:
        image_size: side of the images, in pixels; shifts of less than half a pixel are left out.

    Returns:
        A module from ``(B, C, image_size, image_size)`` to the same shape, float in [0, 1] both. It draws from
        PyTorch's global generator: ``ResidentSplit.batches`` seeds that for the call and restores it.
    """
    from kornia.augmentation import (
        AugmentationSequential,
        RandomAffine,
        RandomBrightness,
        RandomContrast,
        RandomHorizontalFlip,
    )

    shift = (0.05, 0.05) if 0.05 * image_size >= 0.5 else None
    transform = AugmentationSequential(
        RandomHorizontalFlip(p=0.5),
        RandomAffine(degrees=15.0, translate=shift, scale=(0.9, 1.1), padding_mode="reflection", p=1.0),
        RandomBrightness(brightness=(0.9, 1.1), clip_output=True, p=1.0),
        RandomContrast(contrast=(0.9, 1.1), clip_output=True, p=1.0),
        data_keys=["input"],
        same_on_batch=False,
    )
    return cast("nn.Module", transform)
