"""Cohorts, networks and budgets on which benchmarks train, and our tuner over them.

``demo`` is what ``monai-fairtune demo`` trains. ``ham10000`` is a subset of the real images that tests use, with the
ViT-S/14 backbone beside them (see ``FAIRTUNE_SHARED``). ``vit-b-224`` is the size of the paper's network, for a CUDA
card: its weights are random and its JPEG files drawn, as speed does not depend on what they show.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ignite.engine import Engine, Events
from PIL import Image
from safetensors.torch import save_file

from monai_fairtune.bundle import decode_images, load_cohort, make_augmentation, make_tuner, torch_device
from monai_fairtune.bundle import precision as usual_precision
from monai_fairtune.cohort import Cohort, Preprocessing, write_synthetic_cohort
from monai_fairtune.masks import TINY_VIT_WEIGHTS, FairTuneNetwork, Mask
from monai_fairtune.objectives import WorstGroupAUROC
from monai_fairtune.tuning import EpochReport, SupervisedTuner, Verdict

ATTRIBUTE = "age:60"
SHARED = Path(os.environ.get("FAIRTUNE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
# Training images and epochs in full, and with --quick; half as many images validate.
SIZES = {
    "demo": ((560, 6), (560, 3)),
    "ham10000": ((800, 3), (192, 2)),
    "vit-b-224": ((8192, 3), (2048, 2)),
}


@dataclass(frozen=True)
class SetUp:
    """Cohort, network and budget of a trial, for both sides of a comparison."""

    title: str
    cohort: Cohort
    backbone: str
    weights: Path
    image_size: int
    batch_size: int
    epochs: int
    augments: bool
    learning_rate: float = 3e-4

    def n_images(self, split: str) -> int:
        return len(self.cohort.indices(split))

    def describe(self) -> str:
        return (
            f"{self.title} at {self.image_size} px, {self.n_images('train')} training "
            f"and {self.n_images('validation')} validation images, {self.epochs} epochs, batches of {self.batch_size}, "
            f"{'with' if self.augments else 'without'} augmentation"
        )


def prepare(name: str, folder: Path, *, quick: bool = False, n_train: int | None = None) -> SetUp:
    """Returns a set-up whose files are in ``folder``; they are written if they are not there."""
    n_images, epochs = SIZES[name][quick]
    n_images = n_train or n_images
    if name == "demo":
        return _demo(folder, n_images, epochs)
    return (_ham10000 if name == "ham10000" else _vit_b)(folder, n_images, epochs)


def _demo(folder: Path, n_train: int, epochs: int) -> SetUp:
    """As ``monai-fairtune demo`` trains."""
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        write_synthetic_cohort(folder, n_patients=round(n_train / 0.35))
    cohort = load_cohort(manifest, ATTRIBUTE, split_fractions=[0.35, 0.4, 0.25])
    return SetUp(
        "demo: tiny ViT", cohort, "monai_fairtune.masks.tiny_vit", TINY_VIT_WEIGHTS, 48, 32, epochs, augments=False
    )


def _ham10000(folder: Path, n_train: int, epochs: int) -> SetUp:
    """A subset: the manifest's rows in an order drawn once, the first so many of its splits."""
    source, manifest = SHARED / "data" / "ham10000", folder / "manifest.csv"
    if not manifest.exists():
        table = pd.read_csv(source / "manifest.csv", dtype=str).sample(frac=1, random_state=0)
        parts = {split: table[table["split"] == split] for split in ("train", "val", "test")}
        n = n_train // 2
        parts["selection"] = parts["val"][n : n + n_train // 8].assign(split="selection")
        parts |= {"train": parts["train"][:n_train], "val": parts["val"][:n], "test": parts["test"][: n_train // 4]}
        pd.concat(parts.values()).to_csv(manifest, index=False)
    cohort = load_cohort(manifest, ATTRIBUTE, data_root=source)
    (weights,) = (SHARED / "weights").glob("*.safetensors")
    return SetUp(
        "ham10000: ViT-S/14 of shared/weights",
        cohort,
        "vit_small_patch14_dinov2.lvd142m",
        weights,
        98,
        32,
        epochs,
        augments=True,
    )


def _vit_b(folder: Path, n_train: int, epochs: int) -> SetUp:
    """ViT-B/16 with random weights, and drawn JPEG files of HAM10000's own size, 600 x 450 pixels."""
    backbone, weights, manifest = "vit_base_patch16_224", folder / "weights.safetensors", folder / "manifest.csv"
    if not weights.exists():
        save_file(FairTuneNetwork(backbone).backbone.state_dict(), weights)
    if not manifest.exists():
        counts = {"train": n_train, "validation": n_train // 2, "selection": n_train // 8, "test": n_train // 8}
        split = np.repeat(list(counts), list(counts.values()))
        number = np.arange(len(split))
        names = [f"{index}.jpg" for index in number]
        with ThreadPoolExecutor() as pool:
            list(pool.map(_draw_jpeg, [folder / name for name in names], number))
        columns = {"image": names, "label": number % 2, "patient_id": number, "age": 50 + 20 * (number // 2 % 2)}
        pd.DataFrame(columns | {"split": split}).to_csv(manifest, index=False)
    cohort = load_cohort(manifest, ATTRIBUTE)
    return SetUp("vit-b-224: ViT-B/16, random weights", cohort, backbone, weights, 224, 128, epochs, augments=True)


def _draw_jpeg(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(60, 200, (15, 20, 3), dtype=np.uint8)).resize(
        (600, 450), Image.Resampling.BICUBIC
    )
    fine = np.clip(np.asarray(coarse) + rng.normal(0, 6, (450, 600, 1)), 0, 255)
    Image.fromarray(fine.astype(np.uint8)).save(path, quality=90)


def build_network(set_up: SetUp, precision: str = "float32") -> FairTuneNetwork:
    return FairTuneNetwork(set_up.backbone, set_up.weights, image_size=set_up.image_size, precision=precision)


def build_tuner(
    set_up: SetUp, folder: Path, device: str, precision: str | None, *, compiled_blocks: bool = False
) -> tuple[SupervisedTuner, dict[str, float]]:
    """Returns the tuner as the bundle builds it, and the seconds of what is done once a search."""
    start = time.perf_counter()
    preprocessing = Preprocessing(set_up.image_size)
    images = decode_images(set_up.cohort, preprocessing, cache_dir=str(folder / "cache"))
    decoded = time.perf_counter()
    tuner = make_tuner(
        network=build_network(set_up, usual_precision(precision, torch_device(device))),
        cohort=set_up.cohort,
        images=images,
        preprocessing=preprocessing,
        augmentation=make_augmentation(set_up.augments),
        device=torch_device(device),
        batch_size=set_up.batch_size,
        compiled_blocks=compiled_blocks,
    )
    return tuner, {"decoding": decoded - start, "network_and_tuner": time.perf_counter() - decoded}


def choose_masks(network: FairTuneNetwork) -> dict[str, Mask]:
    space = network.partition("attention")
    half = random.Random(0).sample(space.searchable, len(space.searchable) // 2)  # noqa: S311
    return {
        "head only": space.head_only(),
        "random half": space.mask(half),
        "attention": space.all_tuned(),
        "full": network.anchors()["full"],
    }


class KeepBest:
    """Keeps the best epoch by the objective and never stops, as the protocol does."""

    def __init__(self, set_up: SetUp) -> None:
        self.objective = WorstGroupAUROC(tuple(set_up.cohort.subgroups))
        self.best = float("-inf")

    def __call__(self, report: EpochReport) -> Verdict:
        value = self.objective.evaluate(report.validation)
        is_best = value > self.best
        self.best = max(self.best, value)
        return Verdict(keep=is_best)


class TrainingClock:
    """Adds up the seconds of a trainer's epochs without validation: the loss has been read, so the device is done."""

    def __init__(self) -> None:
        self.seconds = self._begun = 0.0

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._stop)

    def _start(self) -> None:
        self._begun = time.perf_counter()

    def _stop(self) -> None:
        self.seconds += time.perf_counter() - self._begun


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that the benchmarks of trials share."""
    parser.add_argument("--set-up", choices=SIZES, default="demo")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--folder", type=Path, help="keeps the set-up's files; default: a folder that is deleted")
    parser.add_argument("--n-train", type=int, help="training images; default: the set-up's")
    parser.add_argument("--quick", action="store_true", help="fewer images and epochs: within 10 minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


@contextmanager
def folder_of(options: argparse.Namespace) -> Iterator[Path]:
    """Gives the folder for the files of a set-up of this size, without decoded images: decoding is measured."""
    with tempfile.TemporaryDirectory() as name:
        size = options.n_train or ("quick" if options.quick else "whole")
        folder = (options.folder or Path(name)) / f"{options.set_up}-{size}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / "cache", ignore_errors=True)
        yield folder
