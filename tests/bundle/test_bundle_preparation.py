"""What `prepare` chose reaches the result of a search."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from monai_fairtune.bundle import describe_experiment, load_cohort
from monai_fairtune.cohort import Cohort, Preprocessing
from monai_fairtune.cohort.readers import prepare_cohort
from monai_fairtune.masks import FairTuneNetwork
from monai_fairtune.search import Experiment
from monai_fairtune.testing.tiny_reader import TinyReader, write_tiny_download

_TRAINING = {"batch_size": 8, "augmentation": False, "head_learning_rate_factor": 1, "compiled_blocks": False}


def _described(cohort: Cohort, weights: Path) -> Experiment:
    return describe_experiment(
        cohort=cohort,
        network=FairTuneNetwork("monai_fairtune.masks.tiny_vit", weights, image_size=16),
        weights=weights,
        preprocessing=Preprocessing(16),
        eligibility={},
        training=_TRAINING,
    )


@pytest.mark.parametrize(("unsure", "classes"), [("0", ["dark, unsure", "bright"]), ("1", ["dark", "bright, unsure"])])
def test_a_result_tells_the_choices_that_its_cohort_was_prepared_by_and_no_file(
    tmp_path: Path, weights: Path, unsure: Literal["0", "1"], classes: list[str]
) -> None:
    root = write_tiny_download(tmp_path / "download", n=121)
    manifest = prepare_cohort(TinyReader(unsure), root, tmp_path / "out", progress=False).manifest
    told = _described(load_cohort(manifest, "sex", data_root=root), weights).cohort
    assert told["class_names"] == classes
    assert told["preparation"] == {
        "dataset": "A download of grey squares",
        "label": "1: bright, 0: dark",
        "reader": "tiny",
        "options": {"unsure": unsure},
    }


def test_a_manifest_that_was_not_prepared_tells_no_choices(manifest: Path, weights: Path) -> None:
    assert _described(load_cohort(manifest, "sex"), weights).cohort["preparation"] is None
