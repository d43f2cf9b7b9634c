"""A real search by the template's workers, under a real SLURM, around a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundle.bundle_runs import CONFIGS, QUICK, TINY, write_cohort
from tests.servers.postgres import Database
from tests.servers.processes import wait_until
from tests.slurm.cluster import SlurmCluster

pytestmark = [pytest.mark.server, pytest.mark.slow]

TEMPLATE = Path(__file__).parents[2] / "docs" / "cluster" / "slurm_array.sh"
N_TRIALS = 10
N_WORKERS = 4


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Of the search: what all its commands are given."""
    manifest = write_cohort(tmp_path / "cohort")
    length = {"n_trials": N_TRIALS, "max_epochs": 20, "lease_seconds": 10}
    values = {**TINY, **QUICK, **length, "manifest": manifest, "attribute": "sex"}
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]


def variables(database: Database, folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PGPASSWORD": database.password,
        "FAIRTUNE_DATABASE": database.url,
        "FAIRTUNE_CONFIG": str(CONFIGS / "search.yaml"),
        "FAIRTUNE_OUTPUT_DIR": str(folder / "output"),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }


def test_fault_a_search_ends_whole_though_a_worker_is_preempted_and_another_is_cancelled(
    slurm: SlurmCluster, database: Database, options: list[str], tmp_path: Path
) -> None:
    given = variables(database, tmp_path)
    submission = (f"--array=0-{N_WORKERS - 1}", "--cpus-per-task=1", str(TEMPLATE), *options)
    job = slurm.submit(*submission, cwd=tmp_path, environment=given)
    logs = [tmp_path / f"fairtune-{job}_{task}.log" for task in range(N_WORKERS)]
    wait_until(lambda: all(log.exists() and "epoch 2" in log.read_text() for log in logs), "all of them train", 300)
    slurm.run("scancel", f"{job}_{N_WORKERS - 1}")
    slurm.wait_for(f"{job}_{N_WORKERS - 1}", "CANCELLED", seconds=60)
    # 8 CPUs, 3 of them at work: an urgent job of 6 needs the place of one worker.
    urgent = slurm.submit("--partition=urgent", "--cpus-per-task=6", "--wrap=true", cwd=tmp_path)
    slurm.wait_for(urgent, "COMPLETED", seconds=120)
    ended = [
        slurm.wait_for(f"{job}_{task}", "COMPLETED", "CANCELLED", "FAILED", seconds=400) for task in range(N_WORKERS)
    ]
    assert sorted((task["JobState"], task["Restarts"]) for task in ended) == [
        ("CANCELLED", "0"),
        ("COMPLETED", "0"),
        ("COMPLETED", "0"),
        ("COMPLETED", "1"),
    ], "\n".join(log.read_text()[-2000:] for log in logs)
    states = [state for (state,) in database.rows("SELECT state FROM trials ORDER BY number")]
    assert len(states) == N_TRIALS
    assert set(states) <= {"COMPLETE", "PRUNED"}
    line = ["--storage", database.url, "--output_dir", given["FAIRTUNE_OUTPUT_DIR"]]
    command = ["monai-fairtune", "search", "--config", given["FAIRTUNE_CONFIG"], *line, *options]
    ran = subprocess.run(command, env=os.environ | given, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found = json.loads((tmp_path / "output" / "result.json").read_text())
    assert found["test_reads"] == 1
    assert (tmp_path / "output" / "report.html").exists()
