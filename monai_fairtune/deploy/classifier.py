"""What of a tuned model the DICOM rooms rely on: who it is, what it is for, and a probability an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["ImageClassifier", "IntendedUse", "ModelIdentity"]


@dataclass(frozen=True)
class ModelIdentity:
    """Which model gave an answer.

    Attributes:
        name: of the exported bundle.
        version: of the exported bundle.
        sha256: of its weights' file, in hexadecimal digits.
    """

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class IntendedUse:
    """Which images a model may answer for. An empty tuple allows all.

    Attributes:
        modalities: DICOM Modality, such as ``("DX", "CR")``.
        body_parts: DICOM BodyPartExamined, such as ``("CHEST",)``.
        views: DICOM ViewPosition, such as ``("PA", "AP")``.
        min_side: fewest pixels of the shorter side.
        allows: what else it may answer for, of ``secondary_capture``, ``localizer``, ``derived``, ``for_processing``
            and ``burned_in_annotation``; by default none of them.
        statement: what the model is for, in one sentence.
    """

    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    min_side: int = 1
    allows: tuple[str, ...] = ()
    statement: str = ""


class ImageClassifier(Protocol):
    """A tuned model, ready to answer for image files."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""

    @property
    def class_names(self) -> tuple[str, str]:
        """The names of class 0 and class 1."""

    @property
    def threshold(self) -> float:
        """The probability from which an image is called class 1, in [0, 1]: the operating point."""

    @property
    def intended_use(self) -> IntendedUse:
        """Which images it may answer for."""

    def probabilities(self, paths: Sequence[Path]) -> NDArray[np.float64]:
        """Returns the probability of class 1 of each image file, shape ``(n,)``, prepared as in the training.

        Raises:
            ImageError: if a file cannot be read; it names no path.
        """
