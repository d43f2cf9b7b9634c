"""A tuner over MONAI's engines that trains in a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from monai_fairtune.cohort import Cohort, Preprocessing, ResidentSplit, cache_images, write_synthetic_cohort
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.subgroups import SensitiveAttribute
from monai_fairtune.tuning import SupervisedTuner

MakeTuner = Callable[..., SupervisedTuner]


@pytest.fixture(scope="session")
def make_tuner(tmp_path_factory: pytest.TempPathFactory) -> MakeTuner:
    """Builds tuners over one small cohort, each with a network of its own; options are the tuner's."""
    folder = tmp_path_factory.mktemp("tuner")
    manifest = write_synthetic_cohort(folder, n_patients=120)
    cohort = Cohort.from_manifest(manifest, SensitiveAttribute.parse_all(["age:60", "sex"]))
    preprocessing = Preprocessing(16)
    cached = cache_images(cohort, preprocessing, folder / "cache", progress=False)
    splits = {name: ResidentSplit(cohort, cached, name) for name in cohort.split_names}

    def make(
        backbone: str = "monai_fairtune.masks.tiny_vit",
        batch_size: int = 16,
        precision: str = "float32",
        **options: Any,
    ) -> SupervisedTuner:
        network = FairTuneNetwork(backbone, image_size=16, precision=precision)
        described = preprocessing.to_dict()
        return SupervisedTuner(network, cohort, splits, batch_size=batch_size, preprocessing=described, **options)

    return make


@pytest.fixture(scope="module")
def tuner(make_tuner: MakeTuner) -> SupervisedTuner:
    """A tuner that the tests of a file share."""
    return make_tuner()
