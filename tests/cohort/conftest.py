"""Small cohorts on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from monai_fairtune.cohort import CachedImages, Cohort, Preprocessing, cache_images
from monai_fairtune.subgroups import SensitiveAttribute

Rows = Sequence[dict[str, object]]


@pytest.fixture
def write_manifest(tmp_path: Path) -> Callable[..., Path]:
    """Writes a manifest and, unless told otherwise, a random PNG for every image it names."""

    def write(rows: Rows, *, images: bool = True, name: str = "manifest.csv") -> Path:
        table = pd.DataFrame(rows)
        path = tmp_path / name
        table.to_csv(path, index=False)
        random = np.random.default_rng(0)
        for image in table.get("image", []) if images else []:
            file = tmp_path / str(image)
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (12, 10), dtype=np.uint8)).save(file)
        return path

    return write


@pytest.fixture
def rows() -> Callable[..., list[dict[str, object]]]:
    """Makes rows: patients of both sexes and labels, one image or more each."""

    def make(n_patients: int = 40, n_images: int = 1, split: Sequence[str] | None = None) -> list[dict[str, object]]:
        made: list[dict[str, object]] = []
        for patient in range(n_patients):
            for number in range(n_images):
                row: dict[str, object] = {
                    "image": f"images/{patient:03}_{number}.png",
                    "label": patient % 2,
                    "patient_id": f"p{patient:03}",
                    "sex": ("female", "male", "")[patient // 2 % 5 % 3],
                    "age": 30 + patient % 60,
                }
                if split is not None:
                    row["split"] = split[patient // 2 % len(split)]
                made.append(row)
        return made

    return make


@pytest.fixture
def cohort(write_manifest: Callable[..., Path], rows: Callable[..., list[dict[str, object]]]) -> Cohort:
    """Forty patients with two images each."""
    return Cohort.from_manifest(write_manifest(rows(40, 2)), SensitiveAttribute.parse_all(["sex", "age:60"]))


@pytest.fixture
def cached(cohort: Cohort, tmp_path: Path) -> CachedImages:
    """Their images, of 16 x 16 pixels."""
    return cache_images(cohort, Preprocessing(16), tmp_path / "cache", progress=False)
