from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from tests.bundle.bundle_runs import QUICK, TINY, command_line, read_result


def finished(output: Path) -> set[Path]:
    return set((output / "trials").rglob("result.json"))


def run_until(line: list[str], cwd: Path, n_finished: int) -> int:
    """Runs a search, and kills it as soon as so many trainings are finished."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with (cwd / "log.txt").open("ab") as log:
        process = subprocess.Popen(line, cwd=cwd, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 240
        while process.poll() is None and time.monotonic() < deadline:
            if len(finished(cwd / "output")) >= n_finished:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.005)
        return process.wait(timeout=60)


@pytest.mark.slow
def test_fault_a_search_killed_four_times_loses_nothing_and_ends_with_the_same_mask(
    manifest: Path, weights: Path, searched: Path, tmp_path: Path
) -> None:
    options = {"manifest": manifest, "attribute": "sex", "weights": weights} | TINY | QUICK
    line = [sys.executable, "-m", "monai.bundle", *command_line("run", "search.yaml", options)]
    for n_finished in (1, 3, 5, 6):
        before = finished(tmp_path / "output")
        assert run_until(line, tmp_path, n_finished) == -signal.SIGKILL, (tmp_path / "log.txt").read_text()
        assert before <= finished(tmp_path / "output")
    assert run_until(line, tmp_path, 10_000) == 0, (tmp_path / "log.txt").read_text()
    cut, whole = (read_result(folder) for folder in (tmp_path / "output", searched))
    for key in ("mask", "hyperparameters", "validation", "selection", "test", "n_trials", "config_hash"):
        assert cut[key] == whole[key], key
    assert [trial["value"] for trial in cut["trials"]] == [trial["value"] for trial in whole["trials"]]
    storage = f"sqlite:///{tmp_path / 'output' / 'study.db'}"
    states = [trial.state.name for trial in optuna.load_study(study_name="monai-fairtune", storage=storage).trials]
    assert "RUNNING" not in states
    assert states.count("FAIL") <= 4
