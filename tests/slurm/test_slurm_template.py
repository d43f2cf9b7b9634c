"""The SLURM template does to workers what its comments say, under a real SLURM."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.servers.processes import wait_until
from tests.slurm.cluster import SlurmCluster

pytestmark = [pytest.mark.server, pytest.mark.slow]

TEMPLATE = Path(__file__).parents[2] / "docs" / "cluster" / "slurm_array.sh"
STAND_IN = Path(__file__).parent / "stand_in.py"


class Workers:
    """The template's workers, with a stand-in for the worker itself."""

    def __init__(self, slurm: SlurmCluster, folder: Path) -> None:
        self.slurm = slurm
        self.folder = folder
        program = folder / "bin" / "monai-fairtune"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        self.variables = {
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "FAIRTUNE_OUTPUT_DIR": str(folder),
        }

    def submit(self, *options: str, worker: tuple[str, ...] = (), **variables: str) -> str:
        given = ("--cpus-per-task=1", "--gres=gpu:1", *options, str(TEMPLATE), *worker)
        return self.slurm.submit(*given, cwd=self.folder, environment=self.variables | variables)

    def events(self, task: int = 0) -> list[str]:
        path = self.folder / f"events-{task}"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    def wait_for_events(self, task: int, *events: str, seconds: float = 60.0) -> None:
        what = f"task {task} does {', '.join(events)}"
        wait_until(lambda: self.events(task) == list(events), what, seconds)

    def log(self, job: str, task: int = 0) -> str:
        return (self.folder / f"fairtune-{job}_{task}.log").read_text(encoding="utf-8")

    def end(self) -> None:
        (self.folder / "enough").touch()


@pytest.fixture
def workers(slurm: SlurmCluster, tmp_path: Path) -> Workers:
    return Workers(slurm, tmp_path)


def state(job: dict[str, str]) -> tuple[str, str, int]:
    return job["JobState"], job["ExitCode"], int(job["Restarts"])


def test_the_node_offers_eight_cpus_however_many_the_host_has(slurm: SlurmCluster) -> None:
    assert slurm.run("sinfo", "--noheader", "--partition=normal", "--format=%c %G %t") == "8 gpu:8 idle"


def test_fault_each_task_of_an_array_ends_as_it_was_told(slurm: SlurmCluster, workers: Workers) -> None:
    job = workers.submit("--array=0-3")
    for task in range(4):
        workers.wait_for_events(task, "start")
    slurm.run("scancel", f"{job}_1")
    slurm.run("scontrol", "requeue", f"{job}_2")
    assert slurm.job(f"{job}_3")["JobId"] == job  # this task's own id is that of the array
    slurm.run("scancel", "--signal=USR1", "--batch", f"{job}_3")
    workers.wait_for_events(2, "start", "SIGTERM", "start")
    workers.wait_for_events(3, "start", "SIGUSR1", "start")
    workers.end()
    ended = [slurm.wait_for(f"{job}_{task}", "COMPLETED", "CANCELLED", "FAILED") for task in range(4)]
    assert [state(task) for task in ended] == [
        ("COMPLETED", "0:0", 0),
        ("CANCELLED", "75:0", 0),
        ("COMPLETED", "0:0", 1),
        ("COMPLETED", "0:0", 1),
    ]
    assert [workers.events(task) for task in (0, 1)] == [["start", "enough"], ["start", "SIGTERM"]]
    assert "does not requeue it" in workers.log(job, 1)
    assert "goes back to the queue after exit code 75" in workers.log(job, 3)


def test_fault_a_preempted_worker_ends_its_epoch_and_comes_back(slurm: SlurmCluster, workers: Workers) -> None:
    job = workers.submit("--array=0")
    workers.wait_for_events(0, "start")
    urgent = slurm.submit("--partition=urgent", "--exclusive", "--wrap=true", cwd=workers.folder)
    slurm.wait_for(urgent, "COMPLETED")
    assert workers.events()[:2] == ["start", "SIGUSR1"]
    workers.wait_for_events(0, "start", "SIGUSR1", "start")
    workers.end()
    assert state(slurm.wait_for(f"{job}_0", "COMPLETED")) == ("COMPLETED", "0:0", 1)


def test_fault_a_worker_near_its_time_limit_ends_its_epoch_and_comes_back(
    slurm: SlurmCluster, workers: Workers
) -> None:
    job = workers.submit("--array=0", "--time=2", "--signal=B:USR1@60")
    workers.wait_for_events(0, "start", "SIGUSR1", "start", seconds=150)
    workers.end()
    assert state(slurm.wait_for(f"{job}_0", "COMPLETED")) == ("COMPLETED", "0:0", 1)


def test_fault_a_worker_that_was_signalled_before_it_listens_comes_back(slurm: SlurmCluster, workers: Workers) -> None:
    job = workers.submit("--array=0", worker=("--deaf",))
    workers.wait_for_events(0, "start")
    slurm.run("scancel", "--signal=USR1", "--batch", f"{job}_0")
    workers.wait_for_events(0, "start", "start")
    workers.end()
    assert state(slurm.wait_for(f"{job}_0", "COMPLETED")) == ("COMPLETED", "0:0", 1)
    assert "after exit code 138" in workers.log(job)


def test_fault_a_worker_that_fails_stays_failed(slurm: SlurmCluster, workers: Workers) -> None:
    job = workers.submit("--array=0", worker=("--exit_code", "64"))
    assert state(slurm.wait_for(f"{job}_0", "FAILED")) == ("FAILED", "64:0", 0)


def test_fault_a_worker_that_always_asks_for_later_is_given_up_after_the_restarts_allowed(
    slurm: SlurmCluster, workers: Workers
) -> None:
    job = workers.submit("--array=0", worker=("--exit_code", "75"), FAIRTUNE_MAX_RESTARTS="1")
    assert state(slurm.wait_for(f"{job}_0", "FAILED")) == ("FAILED", "75:0", 1)
    assert "was restarted 1 times: given up" in workers.log(job)
