"""The inference of a config: any images in, a table of probabilities out. It knows no attribute."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ignite.engine import Engine, Events

from monai_fairtune.bundle.files import read_result
from monai_fairtune.bundle.network import model_path
from monai_fairtune.bundle.options import folder, is_absent, number, optional, text
from monai_fairtune.cohort.decoding import SUFFIXES
from monai_fairtune.cohort.manifest import read_cells
from monai_fairtune.cohort.paths import require_images, resolve_images
from monai_fairtune.exceptions import ConfigurationError, ManifestError
from monai_fairtune.predictions import safe_cell

__all__ = ["PredictionsWriter", "choose_threshold_of", "list_images"]


def list_images(dataset_dir: object, manifest: object = None, data_root: object = None) -> list[dict[str, str]]:
    """Returns the images to classify: those of a manifest's column ``image``, or else all below a folder.

    Args:
        dataset_dir: a folder of images, searched through; used where no manifest is given.
        manifest: a CSV that needs no other column than ``image``.
        data_root: what the manifest's paths are relative to; null means its folder.

    Returns:
        One ``{"image": path, "name": name relative to the folder}`` an image, by name or in the manifest's order.

    Raises:
        ManifestError: if neither is given, the manifest cannot be read, or an image lies outside the folder.
        ImageError: if an image does not exist.
    """
    if not is_absent(manifest):
        path = Path(text("manifest", manifest)).expanduser()
        root = path.parent if is_absent(data_root) else folder("data_root", data_root)
        return _records(_manifest_names(path), root)
    if is_absent(dataset_dir):
        raise ManifestError("No images are given. Name a folder: --dataset_dir FOLDER, or a CSV: --manifest FILE.csv.")
    root = folder("dataset_dir", dataset_dir)
    names = sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.name.lower().endswith(SUFFIXES) and path.is_file() and not path.name.startswith(".")
    )
    if not names:
        raise ManifestError(f"No image lies below dataset_dir. Give a folder with files that end in {SUFFIXES}.")
    return _records(names, root)


def choose_threshold_of(model: object, threshold: object, output_dir: object) -> float:
    """Returns the probability from which an image is called class 1.

    Args:
        model: the option, see :func:`model_path`.
        threshold: the option; null means the one that was chosen on validation, from ``result.json`` beside the
            model.
        output_dir: the output folder.

    Raises:
        ConfigurationError: if none is given and none was chosen, or it lies outside [0, 1].
    """
    found = optional(number, "threshold", threshold)
    if found is None:
        validation = read_result(model_path(model, output_dir).parent).get("validation", {})
        found = validation.get("threshold", {}).get("value")
    if found is None:
        raise ConfigurationError(
            "No threshold is given, and no result.json lies beside the model. Pass the probability from which an "
            "image is called class 1: --threshold 0.5."
        )
    if not 0 <= found <= 1:
        raise ConfigurationError(f"threshold is {found}. Give a probability from 0 to 1.")
    return float(found)


class PredictionsWriter:
    """A handler that writes ``predictions.csv`` with the columns image, probability and class.

    Args:
        class_names: of class 0 and class 1.
        threshold: the probability from which an image is called class 1.
        output_dir: the output folder.
    """

    def __init__(self, class_names: Sequence[str], threshold: float, output_dir: object) -> None:
        self.class_names = class_names
        self.threshold = threshold
        self.path = folder("output_dir", output_dir) / "predictions.csv"
        self._rows: list[tuple[str, float, str]] = []

    def attach(self, engine: Engine) -> None:
        """Listens to an evaluator whose batches are decollated and whose ``pred`` are probabilities ``(2,)``."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _start(self, _: Engine) -> None:
        self._rows = []

    def _add(self, engine: Engine) -> None:
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            probability = float(output["pred"][1])
            name = self.class_names[int(probability >= self.threshold)]
            self._rows.append((str(safe_cell(item["name"])), probability, str(safe_cell(name))))

    def _write(self, _: Engine) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("image", "probability", "class"))
            writer.writerows((name, f"{probability:.6f}", label) for name, probability, label in self._rows)
        temporary.replace(self.path)
        sys.stdout.write(f"{len(self._rows)} images. Predictions: {self.path}\n")


def _manifest_names(path: Path) -> list[str]:
    cells = read_cells(path)
    names = [""] * len(cells) if "image" not in cells.columns else cells["image"].tolist()
    if "" in names:
        raise ManifestError(
            f"The manifest '{path}' names no image in {names.count('')} of {len(names)} rows. Fill column 'image'."
        )
    return names


def _records(names: Sequence[str], root: Path) -> list[dict[str, str]]:
    paths = resolve_images(names, root)
    require_images(names, paths)
    return [{"image": str(path), "name": name} for name, path in zip(names, paths, strict=True)]
