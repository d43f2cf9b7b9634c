"""A small cohort of real files, and the bundle's command lines."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from tests.servers.processes import wait_until

BUNDLE = Path(__file__).parents[2] / "bundles" / "fairtune_classification"
CONFIGS = BUNDLE / "configs"
TINY = {"backbone": "monai_fairtune.masks.tiny_vit", "image_size": 16, "device": "cpu", "batch_size": 16}
QUICK = {"max_epochs": 1, "n_trials": 6, "n_startup_trials": 2, "n_finalists": 1, "n_seeds": 1, "min_per_class": 5}
_PER_SPLIT = {"train": 60, "validation": 60, "test": 40}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def sentence(self) -> str:
        """The one line on standard error, besides MONAI's own warning about configs and a progress bar."""
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        others = ("UserWarning: parsing config_file", "= create_workflow(", "Decoding images:")
        own = [line for line in lines if not any(mark in line for mark in others)]
        assert len(own) == 1, self.stderr
        return own[0]


RunBundle: TypeAlias = Callable[..., Outcome]


def write_cohort(folder: Path, seed: int = 0) -> Path:
    """Writes PNG files with a bright square where the label is 1, and their manifest; both classes in every cell."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for split, n in _PER_SPLIT.items():
        for number in range(n):
            # A third of the training images is positive, so that class weights matter.
            label = int(number % 3 == 0) if split == "train" else number % 2
            sex = ("female", "male")[number // 2 % 2]
            pixels = rng.normal(100, 30, size=(16, 16, 3))
            pixels[4:12, 4:12] += 40 * label
            name = f"images/{split}_{number:03d}.png"
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
            patient = f"patient-{split}-{number}"
            age = "" if number % 10 == 9 else 40 + 40 * (number // 4 % 2)
            rows.append({"image": name, "label": label, "patient_id": patient, "split": split, "sex": sex, "age": age})
    return write_rows(folder / "manifest.csv", rows)


def read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def command_line(command: str, config: str | list[str], options: Mapping[str, object]) -> list[str]:
    """Returns the arguments of ``python -m monai.bundle``."""
    files = config if isinstance(config, str) else str([str(CONFIGS / name) for name in config])
    line = [*command.split(), "--config_file", str(CONFIGS / files) if isinstance(config, str) else files]
    for name, value in options.items():
        line += [f"--{name}", str(value)]
    return line


def run_process(
    config: str | list[str],
    options: Mapping[str, object],
    *,
    cwd: Path,
    command: str = "run",
    launcher: tuple[str, ...] = (),
    timeout: int = 300,
) -> Outcome:
    """Runs ``python -m monai.bundle`` as a process of its own."""
    line = [sys.executable, *launcher, "-m", "monai.bundle", *command_line(command, config, options)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)
    return Outcome(done.returncode, done.stdout, done.stderr)


def read_result(output: Path) -> dict[str, Any]:
    """Returns what a search has found."""
    found: dict[str, Any] = json.loads((output / "result.json").read_text())
    return found


def children(pid: int) -> list[int]:
    """Returns the processes that a process has started and that are there."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def wait_until_gone(processes: list[int]) -> None:
    """Waits a minute at most until processes have ended."""
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), "the workers end", 60)
