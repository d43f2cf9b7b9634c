"""A model that is a rule: what comes after a model in milliseconds, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.deploy import IntendedUse, ModelIdentity

__all__ = ["BrightnessClassifier"]


@dataclass
class BrightnessClassifier:
    """The in-memory member of the ``ImageClassifier`` seam: the probability is the image's mean brightness.

    Args:
        identity: who it says it is.
        class_names: of class 0 and class 1.
        threshold: its operating point.
        intended_use: which images it may answer for; by default all.
        n_images: for how many it was asked.
    """

    identity: ModelIdentity = field(default_factory=lambda: ModelIdentity("brightness", "1.0.0", "b" * 64))
    class_names: tuple[str, str] = ("dark", "bright")
    threshold: float = 0.5
    intended_use: IntendedUse = field(default_factory=IntendedUse)
    n_images: int = field(default=0, init=False)

    def probabilities(self, paths: Sequence[Path]) -> NDArray[np.float64]:
        """See :meth:`ImageClassifier.probabilities`."""
        self.n_images += len(paths)
        return np.array([decode_image(path).mean(dtype=np.float64) for path in paths], dtype=np.float64)
