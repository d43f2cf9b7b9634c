"""A tuner over MONAI's engines that trains in a second, in any process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from monai_fairtune.cohort import Cohort, Preprocessing, cache_images, hold_splits, write_synthetic_cohort
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.subgroups import SensitiveAttribute
from monai_fairtune.tuning import SupervisedTuner

MakeTuner = Callable[..., SupervisedTuner]


def tuner_maker(folder: Path) -> MakeTuner:
    """Returns what builds tuners over one small cohort, each with a network of its own; options are the tuner's."""
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        assert write_synthetic_cohort(folder, n_patients=120) == manifest
    cohort = Cohort.from_manifest(manifest, SensitiveAttribute.parse_all(["age:60", "sex"]))
    preprocessing = Preprocessing(16)
    cached = cache_images(cohort, preprocessing, folder / "cache", progress=False)

    def make(
        backbone: str = "monai_fairtune.masks.tiny_vit",
        batch_size: int = 16,
        precision: str = "float32",
        device: str = "cpu",
        **options: Any,
    ) -> SupervisedTuner:
        splits = hold_splits(cohort, cached, cohort.split_names, device=device)
        network = FairTuneNetwork(backbone, image_size=16, precision=precision)
        described = preprocessing.to_dict()
        return SupervisedTuner(
            network, cohort, splits, batch_size=batch_size, preprocessing=described, device=device, **options
        )

    return make
