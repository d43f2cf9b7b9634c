"""An exported bundle as a classifier: checked, built from plain data, none of its configuration run."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from monai_fairtune.bundle import torch_device
from monai_fairtune.cohort import Preprocessing
from monai_fairtune.deploy.classifier import IntendedUse, ModelIdentity
from monai_fairtune.deploy.export.description import ModelDescription
from monai_fairtune.deploy.export.network import build_network, class_1_probabilities
from monai_fairtune.deploy.export.sealed_files import read_sealed
from monai_fairtune.exceptions import WeightsError
from monai_fairtune.masks import FairTuneNetwork

__all__ = ["METADATA", "WEIGHTS", "ExportedModel"]

METADATA = "configs/metadata.json"
WEIGHTS = "models/model.safetensors"
_BATCH_SIZE = 32


class ExportedModel:
    """The classifier of a bundle that ``monai-fairtune export`` wrote: an ``ImageClassifier``.

    Use :meth:`load`. The checksums guard against damage and later changes; they do not tell who wrote the bundle.

    Args:
        description: of the model.
        network: with its weights, on its device.
        sha256: of the weights' file.
    """

    def __init__(self, description: ModelDescription, network: FairTuneNetwork, sha256: str) -> None:
        self._description = description
        self._network = network
        self._preprocessing = Preprocessing.from_dict(description.preprocessing)
        self._identity = ModelIdentity(description.name, description.version, sha256)

    @classmethod
    def load(
        cls, path: Path, device: str | torch.device = "cpu", *, allowed_backbones: Collection[str] = ()
    ) -> ExportedModel:
        """Returns the model of a bundle.

        Every file is checked against ``SHA256SUMS`` before anything is used. No config is run: the network is built
        from ``metadata.json``, and weights are read from ``models/model.safetensors`` alone.

        Args:
            path: the bundle's folder, or its zip.
            device: where it computes.
            allowed_backbones: dotted paths of backbones of your own that the bundle may import and call.

        Raises:
            WeightsError: if a file is missing, changed or surplus, the backbone is not allowed, or the weights do not
                fit it.
            ConfigurationError: if there is no such device.
        """
        files = read_sealed(Path(path), {METADATA: 1 << 20, WEIGHTS: 1 << 34})
        try:
            metadata = json.loads(files.content[METADATA])
        except (ValueError, RecursionError) as error:
            raise WeightsError(f"metadata.json of the bundle is not JSON: {error}. Export it again.") from error
        description = ModelDescription.from_metadata(metadata)
        network = build_network(description.network, files.content[WEIGHTS], allowed_backbones)
        return cls(description, network.to(torch_device(device)), files.sha256[WEIGHTS])

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return self._identity

    @property
    def class_names(self) -> tuple[str, str]:
        """The names of class 0 and class 1."""
        return self._description.class_names

    @property
    def threshold(self) -> float:
        """The probability from which an image is called class 1, in [0, 1]: the operating point."""
        return self._description.threshold

    @property
    def intended_use(self) -> IntendedUse:
        """Which images it may answer for."""
        return self._description.intended_use

    def probabilities(self, paths: Sequence[Path]) -> NDArray[np.float64]:
        """Returns the probability of class 1 of each image file, shape ``(n,)``, prepared as in the training.

        Raises:
            ImageError: if a file cannot be read; it names no folder.
        """
        found = np.empty(len(paths), dtype=np.float64)
        for start in range(0, len(paths), _BATCH_SIZE):
            images = torch.stack([self._preprocessing.decode(path) for path in paths[start : start + _BATCH_SIZE]])
            with torch.inference_mode():
                logits = self._network(images.to(self._network.mean.device))
            found[start : start + len(images)] = class_1_probabilities(logits)
        return found
