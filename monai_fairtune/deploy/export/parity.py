"""Whether an exported model answers as the search's model does, on image files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from monai_fairtune.bundle import list_images
from monai_fairtune.cohort import Preprocessing
from monai_fairtune.deploy.export.network import class_1_probabilities
from monai_fairtune.deploy.export.search_output import SearchOutput
from monai_fairtune.exceptions import ExportError

__all__ = ["TOLERANCE", "Reference", "reference"]

TOLERANCE = 1e-5
"""The largest difference between probabilities that float32 and another order of sums may make."""

_MOST = 64
_N_RANDOM = 16


@dataclass(frozen=True)
class Reference:
    """Image files, and what the search's own network says of them.

    Attributes:
        paths: the files.
        images: prepared, ``(n, C, H, W)``.
        probabilities: of class 1, float64 ``(n,)``.
        kind: ``"random"`` or ``"given"``.
    """

    paths: Sequence[Path]
    images: torch.Tensor
    probabilities: NDArray[np.float64]
    kind: str

    def check(self, name: str, probabilities: NDArray[np.float64]) -> float:
        """Returns the largest difference from the search's network.

        Args:
            name: of what is compared.
            probabilities: that it gives for the same images.

        Raises:
            ExportError: if it is above the tolerance.
        """
        largest = float(np.max(np.abs(probabilities - self.probabilities)))
        if not largest <= TOLERANCE:
            raise ExportError(
                f"The exported {name} gives probabilities that differ by up to {largest:.2g} from those of the "
                f"search's network on {len(self.paths)} images, where {TOLERANCE:g} is allowed. Nothing was written: "
                "report this with the backbone's name and the versions of torch and timm."
            )
        return largest

    def check_logits(self, name: str, logits: Callable[[torch.Tensor], torch.Tensor]) -> float:
        """Returns the same for what gives logits of prepared images."""
        with torch.inference_mode():
            return self.check(name, class_1_probabilities(logits(self.images)))


@contextmanager
def reference(source: SearchOutput, folder: Path | None) -> Iterator[Reference]:
    """Gives the reference of a search's model.

    Args:
        source: the model.
        folder: of images; at most 64 of them are used, spread over the folder. None means noise.

    Raises:
        ManifestError: if the folder holds no image.
        ImageError: if one cannot be read.
    """
    with TemporaryDirectory() as temporary:
        if folder is None:
            paths = _write_noise(Path(temporary), source.network.image_size, source.network.n_channels)
        else:
            found = [Path(record["image"]) for record in list_images(str(folder))]
            paths = [found[k] for k in np.unique(np.linspace(0, len(found) - 1, _MOST).round().astype(int))]
        preprocessing = Preprocessing.from_dict(source.preprocessing)
        images = torch.stack([preprocessing.decode(path) for path in paths])
        with torch.inference_mode():
            probabilities = class_1_probabilities(source.network(images))
        yield Reference(paths, images, probabilities, "random" if folder is None else "given")


def _write_noise(folder: Path, size: int, n_channels: int) -> list[Path]:
    from PIL import Image

    generator = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(_N_RANDOM)]
    for number, path in enumerate(paths):
        # Coarse blocks, each image of other sizes and brightness: noise of single pixels would look all alike.
        blocks = generator.integers(0, 64 + 12 * number, (8, 8 + number, 3), dtype=np.uint8)
        picture = Image.fromarray(blocks).resize((size + 8 * number, size))
        (picture if n_channels == 3 else picture.convert("L")).save(path)
    return paths
