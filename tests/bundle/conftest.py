"""A small cohort of real files, and the bundle run as users run it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from PIL import Image

BUNDLE = Path(__file__).parents[2] / "bundles" / "fairtune_classification"
CONFIGS = BUNDLE / "configs"
TINY = {"backbone": "monai_fairtune.masks.tiny_vit", "image_size": 16, "device": "cpu", "batch_size": 16}
_PER_SPLIT = {"train": 60, "validation": 60, "test": 40}

Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]


def write_cohort(folder: Path, n_images: dict[str, int] = _PER_SPLIT, seed: int = 0) -> Path:
    """Writes PNG files with a bright square where the label is 1, and their manifest; both classes in every cell."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for split, n in n_images.items():
        for number in range(n):
            label, sex = number % 2, ("female", "male")[number // 2 % 2]
            pixels = rng.normal(100, 30, size=(16, 16, 3))
            pixels[4:12, 4:12] += 40 * label
            name = f"images/{split}_{number:03d}.png"
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
            patient = f"{split}{number}"
            age = "" if number % 10 == 9 else 40 + 40 * (number // 4 % 2)
            rows.append({"image": name, "label": label, "patient_id": patient, "split": split, "sex": sex, "age": age})
    write_manifest(folder / "manifest.csv", rows)
    return folder / "manifest.csv"


def read_manifest_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_manifest(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of 160 patients with one small PNG each."""
    return write_cohort(tmp_path_factory.mktemp("cohort"))


def run_bundle(
    config: str | Path | list[Path], cwd: Path, command: str = "run", timeout: int = 120, **options: object
) -> subprocess.CompletedProcess[str]:
    """Runs ``python -m monai.bundle`` in ``cwd``, with a config of the bundle and overrides."""
    if isinstance(config, list):
        files = str([str(path) for path in config])
    else:
        files = str(CONFIGS / config)
    line = [sys.executable, "-m", "monai.bundle", *command.split(), "--config_file", files]
    for name, value in options.items():
        line += [f"--{name}", str(value)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    return subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)


def sentence(run: subprocess.CompletedProcess[str]) -> str:
    """Returns the one line that a refused run leaves for its user, after MONAI's own warning."""
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    own = [line for line in lines if "UserWarning" not in line and "warnings.warn" not in line]
    own = [line for line in own if not line.startswith("  ")]
    assert len(own) == 1, run.stderr
    return own[0]
