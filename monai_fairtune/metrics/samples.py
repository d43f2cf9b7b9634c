"""Labels and the numbers beside them, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fairtune.exceptions import PredictionsError

__all__ = ["checked"]


def checked(
    labels: ArrayLike, values: ArrayLike, name: str = "scores"
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Returns which samples are positive, and their values in float64.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        values: shape ``(n,)``, finite.
        name: what the values are, for messages.

    Raises:
        PredictionsError: if the shapes differ, a label is not 0 or 1, or a value is not finite.
    """
    given, numbers = np.asarray(labels), np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or given.shape != numbers.shape:
        raise PredictionsError(
            f"Labels have shape {given.shape} and {name} {numbers.shape}. Give two vectors of one length."
        )
    if not np.isin(given, (0, 1)).all():
        raise PredictionsError(f"Labels hold {np.unique(given)[:5].tolist()}. Give 0 or 1 for every sample.")
    n_bad = int(np.count_nonzero(~np.isfinite(numbers)))
    if n_bad:
        raise PredictionsError(f"{n_bad} of {numbers.size} {name} are not finite. Give finite numbers.")
    return given == 1, numbers
