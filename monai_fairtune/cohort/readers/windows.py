"""One range of values for all images of a dataset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError, ImageError

__all__ = ["require_window", "to_window"]


def require_window(low: float, high: float) -> None:
    """Refuses a range that shows nothing.

    Raises:
        ConfigurationError: if ``high`` is not above ``low``.
    """
    if not high > low:
        raise ConfigurationError(f"Images would be shown from {low:g} to {high:g}. Give an end above the start.")


def to_window(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint16]:
    """Returns measurements ``(H, W)`` as 16 bits: ``low`` and below is 0, ``high`` and above 65535.

    Raises:
        ImageError: if the values are not one picture of numbers.
    """
    if values.ndim != 2 or values.dtype.kind not in "uif" or not np.isfinite(values).all():
        raise ImageError(
            f"Its array has shape {values.shape} and type {values.dtype}, or values that are not finite. "
            "Download it again: it should be one picture of numbers."
        )
    share = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return np.round(share * 65535).astype(np.uint16)
