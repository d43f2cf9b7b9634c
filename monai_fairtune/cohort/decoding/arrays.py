"""NumPy's NPY and NPZ."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.decoding.scaling import scale_by_type, to_channel_first
from monai_fairtune.exceptions import ImageError

__all__ = ["decode_array"]

_CHANNELS = (1, 3, 4)


def decode_array(path: Path) -> NDArray[np.float32]:
    """Returns an array's pixels: ``(C, H, W)``, see ``decode_image``.

    The array is ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)`` with 1, 3 or 4 channels, of which a fourth is alpha. An NPZ
    file holds one such array, or names it ``image``; numbers and vectors beside it are ignored.
    """
    # From memory: given a path, NumPy leaves a damaged archive open.
    loaded = np.load(BytesIO(path.read_bytes()), allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return scale_by_type(_channel_first(loaded))
    with loaded:
        return scale_by_type(_channel_first(_the_image(loaded)))


def _the_image(archive: Any) -> NDArray[Any]:
    if "image" in archive.files:
        return np.asarray(archive["image"])
    images = {name: array for name in archive.files if (array := archive[name]).ndim >= 2}
    if len(images) != 1:
        raise ImageError(
            f"It holds {len(images)} arrays of two or more dimensions, {sorted(images)[:5]}. "
            "Name the one to read 'image', or store it alone."
        )
    return np.asarray(next(iter(images.values())))


def _channel_first(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 2:
        return to_channel_first(pixels)
    if pixels.ndim == 3 and pixels.shape[-1] in _CHANNELS:
        return to_channel_first(pixels)[:3]
    if pixels.ndim == 3 and pixels.shape[0] in _CHANNELS:
        return pixels[:3]
    raise ImageError(
        f"Its array has shape {pixels.shape}, which is not one image. "
        "Store one slice or picture as (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels."
    )
