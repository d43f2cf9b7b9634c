"""What one image looks like, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.quality.near_duplicates import perceptual_hash

__all__ = ["TRAITS", "ImageTraits", "examine", "measure_traits"]

TRAITS = ("brightness", "contrast", "sharpness", "entropy", "size", "aspect")
"""The properties of an image that are compared; sharpness, size and aspect as logarithms to base 2."""

_LONGEST = 512  # sides are reduced to this before sharpness is taken, so that it means the same of large images
_LEVELS = 256
_NEARLY_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class ImageTraits:
    """An image in numbers.

    Args:
        values: shape ``(6,)``, in the order of ``TRAITS``: mean brightness in [0, 1]; its standard deviation; the
            logarithm of the variance of the Laplacian, of the image reduced to 512 pixels on its longer side; the
            entropy of 256 levels, in bits; the logarithms of the number of pixels and of width over height.
        is_constant: whether all pixels are equal.
        perceptual_hash: shape ``(32,)``; None where none was asked for.
    """

    values: NDArray[np.float64]
    is_constant: bool
    perceptual_hash: NDArray[np.uint8] | None


def examine(path: Path, *, with_hash: bool) -> ImageTraits:
    """Decodes an image as for a network and measures it.

    Args:
        path: of the file.
        with_hash: whether to compute its perceptual hash; needs ImageHash.

    Raises:
        ImageError: if it cannot be decoded, or has neither one nor three channels.
    """
    import torch

    from monai_fairtune.cohort.transforms import FitChannelsd

    pixels = torch.from_numpy(decode_image(path))
    grey = FitChannelsd("image", 1)({"image": pixels})["image"][0].numpy()
    return ImageTraits(
        measure_traits(grey), bool(grey.min() == grey.max()), perceptual_hash(grey) if with_hash else None
    )


def measure_traits(grey: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the values of ``TRAITS``: shape ``(6,)``.

    Args:
        grey: shape ``(H, W)``, in [0, 1].

    Example:
        >>> board = np.indices((8, 16)).sum(axis=0) % 2
        >>> [round(float(value), 2) for value in measure_traits(board.astype(np.float32))]
        [0.5, 0.5, 3.75, 1.0, 7.0, 1.0]
    """
    height, width = grey.shape
    levels = np.bincount(np.round(grey.ravel() * (_LEVELS - 1)).astype(np.int64), minlength=_LEVELS)
    shares = levels[levels > 0] / grey.size
    entropy = -float(shares @ np.log2(shares))
    brightness, contrast = float(grey.mean(dtype=np.float64)), float(grey.std(dtype=np.float64))
    logs = np.log2([max(_sharpness(grey), _NEARLY_NOTHING), width * height, width / height])
    return np.array([brightness, contrast, logs[0], max(entropy, 0.0), logs[1], logs[2]])


def _sharpness(grey: NDArray[np.float32]) -> float:
    from scipy.ndimage import laplace

    return float(laplace(_reduced(grey), mode="reflect").var(dtype=np.float64))


def _reduced(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    longest = max(grey.shape)
    if longest <= _LONGEST:
        return grey
    from PIL import Image

    height, width = (max(1, round(side * _LONGEST / longest)) for side in grey.shape)
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR))
