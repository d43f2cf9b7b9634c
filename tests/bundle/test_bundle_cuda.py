"""The bundle on a GPU: a search of two workers, evaluation and inference of what it found."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.bundle.bundle_runs import QUICK, TINY, Outcome, read_result, run_process, write_cohort

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Outcome]:
    """Runs a config on the GPU, always with the same cohort and output folder."""
    folder = tmp_path_factory.mktemp("cuda")
    manifest = write_cohort(folder)

    def run_config(config: str, **options: object) -> Outcome:
        shared = {**TINY, "device": "cuda:0", "output_dir": folder / "output", "attribute": "sex"}
        return run_process(config, {**shared, "manifest": manifest, **options}, cwd=folder)

    run_config.folder = folder  # type: ignore[attr-defined]
    return run_config


def test_a_search_of_two_workers_shares_one_gpu_and_its_answer_serves(run: Callable[..., Outcome]) -> None:
    found = run("search.yaml", **QUICK, n_workers=2)
    assert found.returncode == 0, found.stderr
    output: Path = run.folder / "output"  # type: ignore[attr-defined]
    assert read_result(output)["n_trials"]["complete"] > 0
    evaluated = run("evaluate.yaml")
    assert evaluated.returncode == 0, evaluated.stderr
    inferred = run("inference.yaml")
    assert inferred.returncode == 0, inferred.stderr
    with (output / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)
