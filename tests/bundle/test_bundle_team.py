"""Searches whose trainings are shared by the processes of torchrun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from monai_fairtune.bundle import count_workers
from monai_fairtune.exceptions import ConfigurationError
from tests.bundle.bundle_runs import (
    CONFIGS,
    QUICK,
    TINY,
    Outcome,
    RunBundle,
    children,
    command_line,
    read_result,
    run_process,
    wait_until_gone,
)
from tests.bundle.fragile_vit import MOST_IMAGES
from tests.servers.postgres import Database

_CONFIGS = ["search.yaml", "multi_gpu.yaml"]
_TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
_LOST = "Another process of this training ended"


@pytest.fixture(scope="module")
def options(manifest: Path, weights: Path) -> dict[str, object]:
    return {"manifest": manifest, "attribute": "sex", "weights": weights} | TINY | QUICK


def search(options: dict[str, object], folder: Path) -> Outcome:
    return run_process(_CONFIGS, options, cwd=folder, launcher=_TORCHRUN)


@pytest.mark.slow
def test_two_processes_search_together_as_one_does_but_for_rounding_and_one_does_not_go_on_with_their_study(
    options: dict[str, object], searched: Path, tmp_path: Path, run_bundle: RunBundle
) -> None:
    outcome = search(options, tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("Report: ") == 1
    alone, together = read_result(searched), read_result(tmp_path / "output")
    assert together["mask"] == alone["mask"]
    assert together["n_trials"] == alone["n_trials"]
    values = [[trial["value"] for trial in result["trials"]] for result in (together, alone)]
    assert values[0] == pytest.approx(values[1], abs=0.02)
    auroc = [result["test"]["overall"]["auroc"]["value"] for result in (together, alone)]
    assert auroc[0] == pytest.approx(auroc[1], abs=0.02)

    drifted = run_bundle("search.yaml", options | {"output_dir": tmp_path / "output"})
    assert drifted.returncode == 64
    assert "training.n_processes: 2 is now 1" in drifted.sentence


@pytest.mark.slow
def test_fault_memory_that_runs_out_in_one_process_is_recorded_and_halves_the_batch_in_all(
    options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    assert 16 / 2 > MOST_IMAGES >= 16 / 2 / 2
    outcome = search(options | {"backbone": "tests.bundle.fragile_vit.fragile_vit"}, tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    records = [json.loads(path.read_text()) for path in (tmp_path / "output" / "trials").rglob("result.json")]
    assert len(records) == QUICK["n_trials"] + 1
    for record in records:
        assert (record["faults"], record["accumulation_steps"], record["state"]) == (["out_of_memory"], 2, "complete")


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_fault_a_killed_process_ends_the_others_with_a_sentence_and_the_same_command_goes_on(
    options: dict[str, object], tmp_path: Path, killed: int
) -> None:
    line = [sys.executable, *_TORCHRUN, "-m", "monai.bundle", *command_line("run", _CONFIGS, options)]
    output = tmp_path / "output"
    with (tmp_path / "log.txt").open("wb") as log:
        process = subprocess.Popen(line, cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=log)
        deadline = time.monotonic() + 240
        while not (finished := set(output.glob("trials/*/result.json"))):
            assert process.poll() is None, (tmp_path / "log.txt").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        both = children(process.pid)
        os.kill(next(pid for pid in both if f"\0RANK={killed}\0" in environment(pid)), signal.SIGKILL)
        assert process.wait(timeout=60) == 1
    wait_until_gone(both)
    assert (tmp_path / "log.txt").read_text().count(_LOST) == 1
    assert not (output / "result.json").exists()
    written = {path: path.stat().st_mtime_ns for path in finished}

    outcome = search(options, tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert {path: path.stat().st_mtime_ns for path in finished} == written
    assert read_result(output)["n_trials"]["complete"] == QUICK["n_trials"]


def environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


@pytest.mark.slow
def test_a_refusal_is_one_sentence_of_a_process_and_ends_all(options: dict[str, object], tmp_path: Path) -> None:
    outcome = search(options | {"n_workers": 2}, tmp_path)
    assert outcome.returncode == 1
    assert 1 <= outcome.stderr.count("n_workers is 2, and 2 processes share each training") <= 2
    assert "exitcode  : 2 " in outcome.stderr
    assert not (tmp_path / "output").exists()


def test_processes_that_share_each_training_are_one_worker() -> None:
    assert count_workers(None, torch.device("cuda"), 4) == 1
    assert count_workers("1", torch.device("cpu"), 4) == 1
    with pytest.raises(ConfigurationError, match="n_workers is 2, and 4 processes share each training"):
        count_workers(2, torch.device("cpu"), 4)


@pytest.mark.slow
@pytest.mark.server
def test_processes_that_share_each_training_are_one_worker_around_a_database_too(
    options: dict[str, object], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", database.password)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    configs = [str(CONFIGS / name) for name in _CONFIGS]
    given = [f"--{name}={value}" for name, value in (options | {"storage": database.url}).items()]
    line = [sys.executable, *_TORCHRUN, "-m", "monai_fairtune", "worker", "--config", *configs, *given]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert read_result(tmp_path / "output")["n_trials"]["complete"] == QUICK["n_trials"]
