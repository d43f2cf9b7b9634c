"""A cluster of tests ends with the tests, jobs included."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.guard import end_processes_of, processes_of
from tests.servers.processes import wait_until
from tests.slurm.cluster import SlurmCluster, slurm_programs

pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.skipif(slurm_programs() is None, reason="no SLURM on this machine"),
]

_OWNER = """
import time
from pathlib import Path
from tests.slurm.cluster import SlurmCluster
cluster = SlurmCluster()
cluster.wait_for(cluster.submit("--wrap=sleep 600", cwd=cluster.folder), "RUNNING")
print(cluster.folder, flush=True)
time.sleep(60)
"""


def test_a_closed_cluster_leaves_no_process_and_no_file() -> None:
    cluster = SlurmCluster()
    cluster.wait_for(cluster.submit("--wrap=sleep 600", cwd=cluster.folder), "RUNNING")
    assert len(processes_of(cluster.folder)) >= 5
    cluster.close()
    assert processes_of(cluster.folder) == []
    assert not cluster.folder.exists()


def test_fault_a_cluster_ends_with_the_tests_that_were_killed() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", _OWNER], cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert len(processes_of(folder)) >= 5
        owner.kill()
    wait_until(lambda: not processes_of(folder) and not folder.exists(), "nothing is left", 20)


def test_the_command_line_runs_a_command_with_a_cluster() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.slurm.cluster", "sinfo", "--noheader", "--format=%P %t"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert (ran.stdout.split(), ran.returncode) == (["normal*", "idle", "urgent", "idle"], 0), ran.stderr


def test_only_processes_that_name_the_folder_are_ended(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "other").mkdir()
    with (
        subprocess.Popen(["sleep", "60"], cwd=tmp_path / "ours") as ours,
        subprocess.Popen(["sleep", "60"], cwd=tmp_path / "other") as other,
    ):
        end_processes_of(tmp_path / "ours", seconds=0.5)
        assert (ours.wait(5), other.poll()) == (-9, None)
        other.kill()
