"""What a cohort of 225,000 images costs: seconds and memory of each step, and batches from the file beside memory.

    python benchmarks/large_cohort.py [--quick] [--json] [--folder FOLDER]

A manifest as long as CheXpert's is written with small PNG files, many of which are links to one: reading, splitting,
hashing and decoding work as for any cohort, and the cache has its real size. Then one epoch of shuffled batches of the
train split, without a network: from a copy in memory, from the mapped file while the system holds its pages, and from
the disk alone, with each batch asked for one batch ahead and without. Each step is a process of its own. "GiB" is its
most memory, imports included; "own" is what it has at the end that the system cannot take back, as it can pages of a
file. Times within one epoch from disk depend on the disk, and on how much more of it is read than was asked for.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from machine import describe
from PIL import Image

from monai_fairtune.cohort import CachedImages, Cohort, Preprocessing, cache_images, hold_splits
from monai_fairtune.subgroups import SensitiveAttribute

ATTRIBUTES = ("sex", "age:40,60", "race", "sex*race")
SPLITS = {"train": 0.6, "validation": 0.1, "selection": 0.1, "test": 0.2}
BATCH_SIZE = 32
N_LINKS = 20_000  # rows that share files: file systems limit how many names a file has
Measured = tuple[float, object]
"""Seconds, and what is still held when memory is measured."""
N_WAITED_FOR = 300  # batches of which each image is waited for in turn: an epoch would take too long


@dataclass(frozen=True)
class Place:
    """Where the cohort lies, and how large its decoded images are."""

    folder: Path
    image_size: int

    def cohort(self, split_fractions: tuple[float, ...] | None = None) -> Cohort:
        attributes = SensitiveAttribute.parse_all(ATTRIBUTES)
        return Cohort.from_manifest(self.folder / "manifest.csv", attributes, split_fractions=split_fractions)

    def cached(self, cohort: Cohort) -> CachedImages:
        return cache_images(cohort, Preprocessing(self.image_size), self.folder / "cache", progress=False)


def write_cohort(folder: Path, n: int) -> None:
    """Writes a manifest of ``n`` images of n / 3.5 patients; files are links to a few, and no two splits share one."""
    rng = np.random.default_rng(0)
    patient = np.sort(rng.integers(int(n / 3.5), size=n))
    of_patient = {
        "split": rng.choice(list(SPLITS), p=list(SPLITS.values()), size=n),
        "sex": rng.choice(["Female", "Male"], size=n),
        "age": rng.integers(18, 95, size=n),
        "race": rng.choice(["Asian", "Black", "White", "Other"], size=n),
    }
    columns = {name: values[patient] for name, values in of_patient.items()}
    table = pd.DataFrame({"label": (rng.random(n) < 0.1).astype(int), "patient_id": patient, **columns})
    table.insert(0, "image", [f"images/{row // 1000:03}/{row:06}.png" for row in range(n)])
    table.to_csv(folder / "manifest.csv", index=False)
    for start in range(0, n, 1000):
        (folder / f"images/{start // 1000:03}").mkdir(parents=True)
    for row, (image, split, label) in enumerate(zip(table["image"], table["split"], table["label"], strict=True)):
        pixels = folder / f"{split}{label}-{row // N_LINKS}.png"
        if not pixels.exists():
            Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(pixels)
        (folder / image).hardlink_to(pixels)


def imports(_: Place) -> Measured:
    return 0.0, None


def read(place: Place) -> Measured:
    start = time.perf_counter()
    cohort = place.cohort(split_fractions=(0.6, 0.2, 0.2))
    return time.perf_counter() - start, cohort


def describe_cohort(place: Place) -> Measured:
    cohort = place.cohort()
    start = time.perf_counter()
    found = cohort.counts(), cohort.fold_counts(5), cohort.hash
    return time.perf_counter() - start, (cohort, found)


def cache(place: Place) -> Measured:
    cohort = place.cohort()
    start = time.perf_counter()
    cached = place.cached(cohort)
    return time.perf_counter() - start, (cohort, cached)


def epoch(place: Place, memory: float, *, cold: bool = False, ahead: bool = True) -> Measured:
    cohort = place.cohort()
    cached = place.cached(cohort)
    split = hold_splits(cohort, cached, ["train"], memory=memory)["train"]
    n_batches = n_run = len(split.batches(BATCH_SIZE, shuffle=True))
    if not ahead:
        split.expect = lambda rows: None  # type: ignore[method-assign] # noqa: ARG005
        n_run = min(n_batches, N_WAITED_FOR)
    if cold:
        forget(cached.path)
    start = time.perf_counter()
    for _ in islice(split.batches(BATCH_SIZE, shuffle=True), n_run):
        pass
    return (time.perf_counter() - start) * n_batches / n_run, split


def forget(path: Path) -> None:
    """Has the system drop what it holds of a file."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(place: Place) -> Measured:
    return epoch(place, math.inf)


def mapped(place: Place) -> Measured:
    return epoch(place, 0)


def from_disk(place: Place) -> Measured:
    return epoch(place, 0, cold=True)


def from_disk_in_turn(place: Place) -> Measured:
    return epoch(place, 0, cold=True, ahead=False)


STEPS: dict[str, Callable[[Place], Measured]] = {
    "imports": imports,
    "reading, splits drawn": read,
    "counts, folds, file hashes": describe_cohort,
    "decoding into the cache": cache,
    "opening the cache": cache,
    "an epoch from memory": resident,
    "an epoch, mapped": mapped,
    "an epoch from disk": from_disk,
    "an epoch from disk, in turn": from_disk_in_turn,
}


def measure(step: Callable[[Place], Measured], place: Place) -> dict[str, float]:
    """Runs a step in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, step, place).result()


def _measure(step: Callable[[Place], Measured], place: Place) -> dict[str, float]:
    torch.set_num_threads(1)
    seconds, held = step(place)
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    kib = {words[0]: int(words[1]) for words in lines if words[0] in ("VmHWM:", "RssAnon:")}
    del held
    return {"seconds": seconds, "gib": kib["VmHWM:"] / 2**20, "own_gib": kib["RssAnon:"] / 2**20}


def choose_size(folder: Path, n: int) -> int:
    """Returns 64 pixels, or 32 where the disk is nearly full."""
    return 64 if shutil.disk_usage(folder).free > 3 * n * 3 * 64 * 64 * 2 else 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 images instead of 225,000")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; by default the one for temporary files")
    options = parser.parse_args()
    n = 20_000 if options.quick else 225_000
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        place = Place(Path(name), choose_size(Path(name), n))
        write_cohort(place.folder, n)
        steps = {label: measure(step, place) for label, step in STEPS.items()}
        cache_gib = sum(file.stat().st_size for file in (place.folder / "cache").iterdir()) / 2**30
    resident_seconds = steps["an epoch from memory"]["seconds"]
    found: dict[str, Any] = {
        **describe("numpy", "pandas", "torch"),
        "ratios": {
            label: figures["seconds"] / resident_seconds for label, figures in steps.items() if "epoch" in label
        },
        "n": n,
        "image_size": place.image_size,
        "cache_gib": cache_gib,
        "steps": steps,
    }
    print(json.dumps(found) if options.json else to_text(found))


def to_text(found: dict[str, Any]) -> str:
    about = [f"{name}: {value}" for name, value in found.items() if name not in ("ratios", "steps")]
    rows = [
        f"{label:30}{found['ratios'][label]:8.2f}" if label in found["ratios"] else f"{label:30}{'':8}"
        for label in found["steps"]
    ]
    figures = [f"{step['seconds']:10.1f}{step['gib']:8.2f}{step['own_gib']:8.2f}" for step in found["steps"].values()]
    table = [row + figure for row, figure in zip(rows, figures, strict=True)]
    return "\n".join([*about, "", f"{'':30}{'ratio':>8}{'seconds':>10}{'GiB':>8}{'own':>8}", *table])


if __name__ == "__main__":
    main()
