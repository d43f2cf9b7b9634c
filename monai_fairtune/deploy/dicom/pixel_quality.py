"""Whether decoded pixels show anything at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.deploy.dicom.refusal import Reason, Refusal

__all__ = ["LEAST_CONTRAST", "MOST_SATURATED", "check_pixels"]

LEAST_CONTRAST = 0.01
"""The smallest standard deviation of the pixels, which lie in [0, 1]: about 2.5 of 255 grey levels."""

MOST_SATURATED = 0.98
"""The largest share of values that are exactly 0 or 1: of a radiograph with wide black borders it is about a half."""


def check_pixels(pixels: NDArray[np.float32]) -> Refusal | None:
    """Returns why an image shows nothing, or None. The rules are coarse: they find failed exposures and test patterns.

    Args:
        pixels: shape ``(C, H, W)``, in [0, 1], see ``decode_image``.

    Example:
        >>> check_pixels(np.full((1, 8, 8), 0.5, dtype=np.float32)).reason.value
        'constant'
    """
    if not np.isfinite(pixels).all():
        return Refusal(Reason.UNREADABLE, "Some of its pixels are NaN or infinite.")
    if (pixels.min(axis=(1, 2)) == pixels.max(axis=(1, 2))).all():
        return Refusal(Reason.CONSTANT, "All its pixels are equal.")
    contrast = float(pixels.std(axis=(1, 2), dtype=np.float64).max())
    if contrast < LEAST_CONTRAST:
        return Refusal(
            Reason.NEAR_BLANK,
            f"It is nearly blank: the standard deviation of its pixels is {contrast:.4f}, below {LEAST_CONTRAST}.",
        )
    saturated = float(np.mean((pixels <= 0) | (pixels >= 1)))
    if saturated > MOST_SATURATED:
        return Refusal(
            Reason.SATURATED,
            f"It is saturated: {saturated:.1%} of its pixels are black or white, more than {MOST_SATURATED:.0%}.",
        )
    return None
