from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bundle.bundle_runs import QUICK, TINY, children, command_line, read_result, run_process, wait_until_gone

_SAME = ("mask", "hyperparameters", "validation", "selection", "test", "n_trials", "config_hash", "noise")


@pytest.mark.slow
def test_two_worker_processes_give_the_bits_that_one_process_gives(
    manifest: Path, weights: Path, searched: Path, tmp_path: Path
) -> None:
    options = {"manifest": manifest, "attribute": "sex", "weights": weights, "n_workers": 2, "n_threads": 1}
    outcome = run_process("search.yaml", options | TINY | QUICK, cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "Report: " in outcome.stdout
    alone, together = read_result(searched), read_result(tmp_path / "output")
    for key in _SAME:
        assert together[key] == alone[key], key
    assert [trial["value"] for trial in together["trials"]] == [trial["value"] for trial in alone["trials"]]
    assert sorted(path.name for path in (tmp_path / "output" / "logs").glob("*.log")) == [
        "worker-0.log",
        "worker-1.log",
    ]


@pytest.mark.slow
def test_fault_a_killed_worker_process_costs_an_attempt_and_a_killed_driver_takes_its_workers_along(
    manifest: Path, weights: Path, searched: Path, tmp_path: Path
) -> None:
    options = {"manifest": manifest, "attribute": "sex", "weights": weights, "n_workers": 2, "n_threads": 1}
    line = [sys.executable, "-m", "monai.bundle", *command_line("run", "search.yaml", options | TINY | QUICK)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with (tmp_path / "log.txt").open("ab") as log:
        driver = subprocess.Popen(line, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        workers = wait_for_a_result(driver, tmp_path / "output")
        os.kill(workers[0], signal.SIGKILL)
        time.sleep(1.0)
        workers = children(driver.pid)
        driver.kill()
        driver.wait()
        wait_until_gone(workers)
        again = subprocess.run(line, cwd=tmp_path, env=environment, stdout=log, stderr=log, timeout=300)
    assert again.returncode == 0, (tmp_path / "log.txt").read_text()
    alone, together = read_result(searched), read_result(tmp_path / "output")
    for key in _SAME:
        assert together[key] == alone[key], key


def wait_for_a_result(driver: subprocess.Popen[bytes], output: Path) -> list[int]:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and driver.poll() is None:
        if list(output.glob("trials/*/result.json")):
            return children(driver.pid)
        time.sleep(0.01)
    raise AssertionError(f"The driver ended with {driver.poll()}, or finished nothing.")


@pytest.mark.slow
def test_folds_several_objectives_and_a_log_of_each_training_work_together(
    manifest: Path, weights: Path, tmp_path: Path
) -> None:
    options = {
        "manifest": manifest,
        "attribute": "sex",
        "weights": weights,
        "n_folds": 2,
        "objective": "[worst_group_auroc,trained_share]",
        "method": "nsga2",
        "population_size": 2,
        "utility_floor": 0.0,
        "log_trials": "tensorboard",
        "max_trained_share": 0.9,
        "patience": 3,
    }
    outcome = run_process("search.yaml", options | TINY | QUICK, cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    found = read_result(tmp_path / "output")
    assert [goal["name"] for goal in found["objectives"]] == ["worst_group_auroc", "trained_share"]
    assert found["pareto_front"]
    for trial in found["trials"]:
        assert trial["values"][1] == pytest.approx(trial["trained_share"])
    first = json.loads((tmp_path / "output" / "trials" / "00000" / "result.json").read_text())
    assert len(first["folds"]) == 2
    assert first["value"] == pytest.approx(sum(fold["value"] for fold in first["folds"]) / 2)
    assert list((tmp_path / "output" / "tensorboard").iterdir())


def test_folds_in_which_a_subgroup_lacks_a_class_are_refused_before_any_training(
    manifest: Path, weights: Path, tmp_path: Path
) -> None:
    options = {"manifest": manifest, "attribute": "sex", "weights": weights, "n_folds": 30}
    outcome = run_process("search.yaml", options | TINY | QUICK, cwd=tmp_path)
    assert outcome.returncode == 2
    assert "in fold" in outcome.sentence
    assert not (tmp_path / "output" / "trials").exists()
