"""A real SLURM of one node on this machine, for tests or for one command.

``python -m tests.slurm.cluster sbatch --wait job.sh`` runs a command with a cluster and stops the cluster after it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.servers.guard import end_processes_of
from tests.servers.processes import find_programs, free_port, guard_folder, spawn, wait_until

__all__ = ["SlurmCluster", "slurm_programs"]

_SERVERS = ("munged", "slurmctld", "slurmd")
_CLIENTS = ("sbatch", "scancel", "scontrol", "sinfo", "squeue")

# No cgroups, no accounting. Two partitions: jobs of 'urgent' preempt those of 'normal', which are told by their own
# --signal and have GraceTime to end. A requeued job waits until its old credential has expired: 5 s, not 120 s.
_CONFIGURATION = """
ClusterName=fairtune
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmctldParameters=preempt_send_user_signal
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
KillWait=10
InactiveLimit=0
MessageTimeout=30
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName={host} NodeAddr=127.0.0.1 CPUs={n_cpus} RealMemory={memory} Gres=gpu:{n_cpus} State=UNKNOWN
PartitionName=normal Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=60
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
"""


def slurm_programs() -> dict[str, str] | None:
    """Returns the paths of SLURM's and munge's programs; ``None`` if one is missing."""
    folders = [Path("/usr/sbin"), Path("/usr/bin"), Path("/usr/local/sbin"), Path("/usr/local/bin")]
    found = [find_programs([name], folders) for name in (*_SERVERS, *_CLIENTS)]
    programs: dict[str, str] = {}
    for one in found:
        if one is None:
            return None
        programs |= one
    return programs


class SlurmCluster:
    """SLURM with everything of it in a temporary folder, run by the user who runs the tests; ends with this process.

    Attributes:
        folder: holds configuration, state and logs; removed by ``close``.
        environment: of processes that shall see this cluster; ``SLURM_CONF`` names it.
    """

    def __init__(self, n_cpus: int = 8, memory: int = 64_000) -> None:
        """Starts the cluster and waits until its node takes jobs.

        Args:
            n_cpus: that the node claims to have, and as many GPUs that do not exist; the host may have fewer.
            memory: that the node claims to have, in megabytes.

        Raises:
            FileNotFoundError: SLURM is not installed.
        """
        found = slurm_programs()
        if found is None:
            raise FileNotFoundError("SLURM is not installed. Install it, e.g. apt-get install slurm-wlm munge.")
        self._programs = found
        self._servers: list[subprocess.Popen[bytes]] = []
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self._guard = guard_folder(self.folder)
        self.folder.chmod(0o755)  # munge refuses a socket that others cannot reach
        own = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "SBATCH_"))}
        self.environment = own | {"SLURM_CONF": str(self.folder / "slurm.conf")}
        try:
            self._configure(n_cpus, memory)
            self._start()
        except BaseException:
            self.close()
            raise

    def run(self, *command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
        """Returns what a client command such as ``squeue`` prints.

        Args:
            command: and its arguments.
            cwd: folder to run it in; a job runs where it was submitted.
            environment: variables to add; ``sbatch`` hands them to the job.

        Raises:
            RuntimeError: if it fails; names what it said.
        """
        variables = self.environment | dict(environment or {})
        ran = subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, timeout=60)
        if ran.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}: {ran.stderr.strip()}")
        return ran.stdout.strip()

    def submit(self, *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
        """Submits a batch job and returns its id; see ``run``."""
        return self.run("sbatch", "--parsable", *arguments, cwd=cwd, environment=environment)

    def job(self, job_id: str) -> dict[str, str]:
        """Returns what ``scontrol show job`` says of a job, or of the task ``ID_TASK`` of an array, by its keys."""
        line = self.run("scontrol", "show", "job", "--oneliner", job_id).splitlines()[0]
        return dict(word.split("=", 1) for word in line.split() if "=" in word)

    def wait_for(self, job_id: str, *states: str, seconds: float = 60.0) -> dict[str, str]:
        """Waits until a job is in one of some states, such as ``COMPLETED``; returns what ``job`` does."""
        wait_until(lambda: self.job(job_id)["JobState"] in states, f"job {job_id} is {' or '.join(states)}", seconds)
        return self.job(job_id)

    def close(self) -> None:
        """Stops the cluster, ends its jobs and removes its folder."""
        for server in reversed(self._servers):
            server.terminate()
        with suppress(TimeoutError):  # what does not end by itself is killed
            wait_until(lambda: all(server.poll() is not None for server in self._servers), "SLURM stops", 10)
        for server in (*self._servers, self._guard):
            server.kill()
            server.wait()
        self._servers = []
        end_processes_of(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self, n_cpus: int, memory: int) -> None:
        host = socket.gethostname().partition(".")[0]
        user = self.run("id", "-un")
        values = {"host": host, "user": user, "folder": self.folder, "n_cpus": n_cpus, "memory": memory}
        ports = {"controller_port": free_port(), "node_port": free_port()}
        (self.folder / "slurm.conf").write_text(_CONFIGURATION.format(**values, **ports), encoding="utf-8")
        for index in range(n_cpus):
            (self.folder / f"gpu{index}").symlink_to("/dev/null")  # SLURM asks for a device
        gpus = f"Name=gpu File={self.folder}/gpu[0-{n_cpus - 1}]\n"
        (self.folder / "gres.conf").write_text(gpus, encoding="utf-8")
        for name in ("state", "spool"):
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))

    def _start(self) -> None:
        files = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munge.pid", "seed-file": "munge.seed"}
        options = [f"--{option}={self.folder / name}" for option, name in files.items()]
        self._serve("munged", "--foreground", f"--log-file={self.folder / 'munged.log'}", *options)
        wait_until((self.folder / "munge.socket").exists, "munged listens")
        self._serve("slurmctld", "-D", "-i")
        self._serve("slurmd", "-D")
        wait_until(self._is_idle, "SLURM's node is idle")

    def _serve(self, name: str, *options: str) -> None:
        command = [self._programs[name], *options]
        log = self.folder / f"{name}.out"
        self._servers.append(spawn(command, log, death_signal="TERM", environment=self.environment))

    def _is_idle(self) -> bool:
        for server in self._servers:
            if server.poll() is not None:
                logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.out"))
                raise RuntimeError(f"A server of SLURM ended at its start: {logs}")
        sinfo = [self._programs["sinfo"], "--noheader", "--format=%t"]
        said = subprocess.run(sinfo, env=self.environment, capture_output=True, text=True)
        return said.stdout.split() != [] and set(said.stdout.split()) == {"idle"}


def main(command: Sequence[str]) -> int:
    """Runs a command with a cluster and returns its exit code."""
    cluster = SlurmCluster()
    try:
        return subprocess.run(command, env=cluster.environment).returncode
    finally:
        cluster.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["sinfo", "--long", "--Node"]))
