"""Bad input ends with one sentence and exit code 2, before anything trains."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.bundle.bundle_runs import TINY, RunBundle, read_rows, run_process, write_rows

Rows: TypeAlias = list[dict[str, Any]]


@pytest.fixture
def cohort(manifest: Path, tmp_path: Path) -> Path:
    """A copy of the cohort that a test may spoil."""
    shutil.copytree(manifest.parent, tmp_path / "cohort")
    return tmp_path / "cohort" / "manifest.csv"


def _one_class(rows: Rows) -> None:
    for row in rows:
        row["label"] = 0 if row["split"] == "test" else row["label"]


def _no_positives(rows: Rows) -> None:
    for row in rows:
        if row["split"] == "validation" and row["sex"] == "male":
            row["label"] = 0


def _patient_twice(rows: Rows) -> None:
    rows[-1]["patient_id"] = rows[0]["patient_id"]


def _missing_image(rows: Rows) -> None:
    rows[3]["image"] = "images/absent.png"


def _outside(rows: Rows) -> None:
    rows[3]["image"] = "../../secret.png"


_NOT_IN_STAGES = {"backbone": "xcit_nano_12_p16_224", "weights": "null", "image_size": 32, "screening": "true"}


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (_one_class, {}, ["test split", "40 images of class 0 and 0 of class 1", "split_fractions"]),
        (_no_positives, {}, ["'male' in validation", "and 0 positives", "Merge subgroups"]),
        (_patient_twice, {}, ["1 of", "more than one split", "split_fractions"]),
        (_missing_image, {}, ["1 of 160 image files do not exist", "images/absent.png"]),
        (_outside, {}, ["lie outside the data root"]),
        (None, {"attribute": "race"}, ["no column 'race'", "'sex'"]),
        (None, {"attribute": "null"}, ["No sensitive attribute is given", "--attribute sex"]),
        (None, {"manifest": "absent.csv"}, ["no manifest at 'absent.csv'"]),
        (None, {"manifest": "null"}, ["No manifest is given", "--manifest FILE.csv"]),
        (None, {"weights": "absent.safetensors"}, ["absent.safetensors", "cannot be read"]),
        (None, {"weights_sha256": "0" * 64}, ["SHA-256", "weights_sha256"]),
        (None, {"backbone": "vit_nonsense"}, ["no backbone 'vit_nonsense'"]),
        (None, {"image_size": 17}, ["image_size 17", "Choose 16 or 24"]),
        (None, {"search_space": "everything"}, ["'everything'"]),
        (None, {"objective": "fairness"}, ["There is no objective 'fairness'", "worst_group_auroc"]),
        (None, {"min_per_class": 20}, ["4 subgroups are too small for min_per_class 20", "lower min_per_class to 7"]),
        (None, {"device": "gpu"}, ["device is 'gpu'", "Give 'cpu'"]),
        (None, {"precision": "float16"}, ["precision is 'float16'", "Give float32 or bfloat16, or null"]),
        (None, {"n_workers": 0}, ["n_workers is 0"]),
        (None, _NOT_IN_STAGES, ["Xcit cannot be cut into stages", "leave screening out"]),
        (None, {"min_per_clas": 5}, ["Did you mean --min_per_class?"]),
        (None, {"where": "plane=axial"}, ["column 'plane'"]),
        (None, {"train_fraction": 1.5}, ["train_fraction is 1.5"]),
    ],
)
def test_bad_input_is_refused_in_one_sentence_before_any_image_is_decoded(
    spoil: Callable[[Rows], None] | None,
    options: dict[str, object],
    words: list[str],
    cohort: Path,
    weights: Path,
    tmp_path: Path,
    run_bundle: RunBundle,
) -> None:
    if spoil is not None:
        rows = read_rows(cohort)
        spoil(rows)
        write_rows(cohort, rows)
    given = {"manifest": cohort, "attribute": "sex", "weights": weights, "min_per_class": 5} | TINY
    outcome = run_bundle("search.yaml", given | {"output_dir": tmp_path / "output"} | options)
    assert outcome.returncode == 2
    assert all(word in outcome.sentence for word in words), outcome.sentence
    assert not (tmp_path / "output").exists()


def test_a_truncated_image_is_refused_before_anything_trains(
    cohort: Path, weights: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    image = cohort.parent / "images" / "train_000.png"
    image.write_bytes(image.read_bytes()[:100])
    given = {"manifest": cohort, "attribute": "sex", "weights": weights, "min_per_class": 5} | TINY
    outcome = run_bundle("search.yaml", given | {"output_dir": tmp_path / "output"})
    assert outcome.returncode == 2
    assert "1 of 160 images cannot be read: 'images/train_000.png'" in outcome.sentence
    assert not (tmp_path / "output" / "trials").exists()


def test_weights_of_another_network_are_refused(cohort: Path, tmp_path: Path, run_bundle: RunBundle) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"layer.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    given = {"manifest": cohort, "attribute": "sex", "min_per_class": 5, "weights": tmp_path / "other.safetensors"}
    outcome = run_bundle("search.yaml", given | TINY | {"output_dir": tmp_path / "output"})
    assert outcome.returncode == 2
    assert "Give weights of this very backbone" in outcome.sentence
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": "vit_base_patch16_224"}, ["network is 'vit_base_patch16_224'"]),
        ({"components": {"blocks.0.attention": True}}, ["differ in 11 components"]),
        ({"partition": "nonsense"}, ["'nonsense'"]),
    ],
)
def test_a_mask_of_another_network_is_refused_before_training(
    change: dict[str, Any],
    words: list[str],
    cohort: Path,
    weights: Path,
    tmp_path: Path,
    run_bundle: RunBundle,
) -> None:
    mask: dict[str, Any] = {
        "network": "monai_fairtune.masks.tiny_vit",
        "partition": "attention",
        "components": {f"blocks.{number}.attention": number < 3 for number in range(12)},
        "always_tuned": ["head"],
    }
    (tmp_path / "mask.json").write_text(json.dumps(mask | change))
    given = {"manifest": cohort, "attribute": "sex", "weights": weights, "mask": tmp_path / "mask.json"} | TINY
    outcome = run_bundle("train.yaml", given | {"output_dir": tmp_path / "output", "learning_rate": 1e-3})
    assert outcome.returncode == 2
    assert all(word in outcome.sentence for word in words), outcome.sentence
    assert not (tmp_path / "output").exists()


def test_a_process_of_its_own_prints_no_traceback_and_exits_with_2(manifest: Path, tmp_path: Path) -> None:
    outcome = run_process("search.yaml", {"manifest": manifest, "attribute": "race"} | TINY, cwd=tmp_path)
    assert outcome.returncode == 2
    assert outcome.sentence.startswith("The table has no column 'race'")
    assert "Traceback" not in outcome.stdout + outcome.stderr
