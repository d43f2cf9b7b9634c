"""What one may ask of an export, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["ExportOptions", "Exported"]


@dataclass(frozen=True)
class ExportOptions:
    """What may be given besides the model.

    Args:
        graphs: formats that a bundle holds as well, of ``"onnx"`` and ``"torchscript"``.
        images: a folder of images on which exported and search's model must agree; None means noise.
        licence: the file LICENSE; None means Apache-2.0.
        cohort_card: content of ``cohort_card.json``, for the model card.
        authors: of the model.
    """

    graphs: tuple[str, ...] = ()
    images: Path | None = None
    licence: Path | None = None
    cohort_card: Mapping[str, Any] | None = None
    authors: str = "not stated"

    def licence_text(self) -> bytes:
        """Returns the content of the file LICENSE.

        Raises:
            ConfigurationError: if it cannot be read.
        """
        if self.licence is None:
            return (distribution("monai-fairtune").read_text("licenses/LICENSE") or "").encode()
        try:
            return self.licence.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"The licence '{self.licence}' cannot be read: {error.strerror}. Give a text file."
            ) from error


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: of the bundle, or of the graph.
        sha256: of every file, by name.
        largest_difference: between the probabilities of the search's network and of each exported form, by file.
        n_images: on which they were compared.
        image_kind: ``"random"`` or ``"given"``.
    """

    path: Path
    sha256: Mapping[str, str]
    largest_difference: Mapping[str, float]
    n_images: int
    image_kind: str
