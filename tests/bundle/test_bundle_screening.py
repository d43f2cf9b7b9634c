from __future__ import annotations

from pathlib import Path

import pytest

from tests.bundle.bundle_runs import QUICK, TINY, RunBundle, read_result

SCREENED = {
    "search_space": "norm1 / attention / norm2 / mlp",
    "screening": "true",
    "n_screened": 12,
    "n_screened_trials": 2,
    "n_trials": 8,
    "precision": "bfloat16",
}


@pytest.mark.slow
def test_a_search_trains_what_screening_found_and_its_report_tells(
    manifest: Path, weights: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    options = {"manifest": manifest, "attribute": "sex", "weights": weights, "output_dir": tmp_path / "output"}
    outcome = run_bundle("search.yaml", options | TINY | QUICK | SCREENED)
    assert outcome.returncode == 0, outcome.stderr
    result = read_result(tmp_path / "output")
    names = [trial["name"] for trial in result["trials"]]
    assert names[5:8] == ["all components", "screening", "screening"]
    assert result["screening"]["n_screened"] == 12
    assert [one["trial"] for one in result["screening"]["trials"]] == [6, 7]
    assert result["training"]["precision"] == "bfloat16"
    assert "masks scored without training" in (tmp_path / "output" / "report.html").read_text()
