"""Bringing stored pixel values to [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.exceptions import ImageError

__all__ = ["require_size", "scale_by_range", "scale_by_type", "scale_measurements", "to_channel_first"]

_PERCENTILES = (0.5, 99.5)
_MOST_PIXELS = 1 << 27


def require_size(n_rows: int, n_columns: int) -> None:
    """Refuses an image before its pixels are unpacked, if they would not fit: a small file may ask for any memory.

    Raises:
        ImageError: if it has more than 134 million pixels.
    """
    if n_rows * n_columns > _MOST_PIXELS:
        raise ImageError(
            f"It has {n_rows} x {n_columns} pixels, more than the {_MOST_PIXELS} allowed. Reduce it before use."
        )


def scale_by_type(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Divides unsigned 8 or 16 bit integers by 255 or 65535, booleans by 1; others as :func:`scale_measurements`."""
    if pixels.dtype == np.bool_:
        return pixels.astype(np.float32)
    if pixels.dtype in (np.uint8, np.uint16):
        return np.asarray(pixels / np.float32(np.iinfo(pixels.dtype).max), dtype=np.float32)
    return scale_measurements(pixels)


def scale_measurements(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Maps an image's 0.5 and 99.5 percentiles to 0 and 1 and clips; values already in [0, 1] stay as they are.

    Measurements such as MR intensities, Hounsfield units or layer thickness have no range of their own, and a few
    extreme pixels must not decide it. An image of one value, outside [0, 1], becomes 0 everywhere.

    Raises:
        ImageError: if a value is NaN or infinite, or not a real number.
    """
    if pixels.dtype.kind not in "uif":
        raise ImageError(f"The pixels are of type {pixels.dtype}. Store integers or real numbers.")
    values = pixels.astype(np.float64)
    _require_finite(values)
    if values.min() >= 0 and values.max() <= 1:
        return values.astype(np.float32)
    low, high = np.percentile(values, _PERCENTILES)
    return scale_by_range(values, float(low), float(high))


def scale_by_range(values: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Maps ``low`` to 0 and ``high`` to 1 and clips; where they are equal, all becomes 0."""
    if high <= low:
        return np.zeros(values.shape, dtype=np.float32)
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1).astype(np.float32)


def to_channel_first(pixels: NDArray[Any]) -> NDArray[Any]:
    """Returns ``(C, H, W)`` from ``(H, W)`` or ``(H, W, C)``."""
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)


def _require_finite(values: NDArray[np.float64]) -> None:
    n_bad = int(np.count_nonzero(~np.isfinite(values)))
    if n_bad:
        raise ImageError(f"{n_bad} of {values.size} pixels are NaN or infinite. Repair the image or leave it out.")
