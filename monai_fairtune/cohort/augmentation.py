"""Random variation of training images."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

__all__ = ["DefaultAugmentation"]

_LARGEST_ANGLE = math.radians(15)
_LARGEST_SHIFT = 0.05  # of the side
_VARIATION = 0.1  # of scale, brightness and contrast around 1


class DefaultAugmentation(nn.Module):
    """A mild random transform of whole batches, each image with its own draw, on whatever device they are.

    Half of the images are mirrored left to right; all are turned by up to 15 degrees, shifted by up to 5 % and scaled
    by up to 10 %, what comes into view being reflected; brightness and contrast vary by up to 10 %. Leave it out, or
    give your own module, where left and right carry meaning.

    It maps ``(B, C, S, S)`` to the same shape, float in [0, 1] both, and computes in float32. What is random is drawn
    by PyTorch's global generator of the processor, the same for every device, and nothing waits for the device:
    ``Resident.batches`` seeds that generator for the call and restores it.

    Example:
        >>> DefaultAugmentation()(torch.rand(2, 3, 8, 8)).shape
        torch.Size([2, 3, 8, 8])
    """

    def forward(self, images: Tensor) -> Tensor:
        """Returns the images, varied."""
        given, images = images.dtype, images.float()
        drawn = torch.rand(7, len(images)).to(images.device, non_blocking=True)
        mirrored, (angle, scale, right, down, brightness, contrast) = drawn[0] < 0.5, 2 * drawn[1:] - 1
        images = self._moved(images, mirrored, angle, scale, right, down)
        images = (images * _factor(brightness)).clamp(0, 1)
        mean = images.mean((1, 2, 3), keepdim=True)
        return (mean + (images - mean) * _factor(contrast)).clamp(0, 1).to(given)

    def _moved(
        self, images: Tensor, mirrored: Tensor, angle: Tensor, scale: Tensor, right: Tensor, down: Tensor
    ) -> Tensor:
        # Where each pixel of the result comes from: shifted back, turned and scaled back, mirrored. The side is 2 long.
        size = 1 + _VARIATION * scale
        cosine, sine = (_LARGEST_ANGLE * angle).cos() / size, (_LARGEST_ANGLE * angle).sin() / size
        right, down = 2 * _LARGEST_SHIFT * right, 2 * _LARGEST_SHIFT * down
        side = 1 - 2 * mirrored.to(images.dtype)
        source = torch.stack(
            [
                *(side * cosine, side * sine, -side * (cosine * right + sine * down)),
                *(-sine, cosine, sine * right - cosine * down),
            ]
        )
        grid = affine_grid(source.T.reshape(-1, 2, 3), list(images.shape), align_corners=False)
        return grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _factor(drawn: Tensor) -> Tensor:
    return (1 + _VARIATION * drawn).reshape(-1, 1, 1, 1)
