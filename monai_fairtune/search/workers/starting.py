"""How worker processes start: the same command again, with a variable in its environment that says what it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["WORKER_VARIABLE", "CommandStarter", "StartWorker", "WorkerProcess", "WorkerRole"]

WORKER_VARIABLE = "FAIRTUNE_WORKER"
"""The environment variable that makes a search a worker of a driver on the same machine."""


@dataclass(frozen=True)
class WorkerRole:
    """What a worker process needs to know.

    Args:
        name: of the worker.
        output_dir: whose search it works for: a script may hold several.
        error_file: where it leaves the error that it ends with.
        board: the driver's SQLite file; None where the worker plans for itself, around a database server.
        n_threads: of a training on processors.
        n_ahead: of the study.
        n_sharing: workers that share its GPU, itself included.
        driver: the process number of whoever started it, with whom it ends.
    """

    name: str
    output_dir: str
    error_file: str
    board: str | None
    n_threads: int
    n_ahead: int
    n_sharing: int
    driver: int

    def to_environment(self) -> dict[str, str]:
        """Returns the environment variable that carries this."""
        return {WORKER_VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def of_this_process(cls, output_dir: Path) -> WorkerRole | None:
        """Returns this process's role in the search of ``output_dir``, or None if it is no worker of it."""
        text = os.environ.get(WORKER_VARIABLE)
        if text is None:
            return None
        role = cls(**json.loads(text))
        return role if role.output_dir == str(output_dir.absolute()) else None


class WorkerProcess(Protocol):
    """A process that was started: the part of :class:`subprocess.Popen` that is used here."""

    pid: int

    def poll(self) -> int | None:
        """Returns how it ended, negative for a signal, or None while it runs."""
        ...

    def send_signal(self, signal: int) -> None:
        """Sends a signal."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end."""
        ...


class StartWorker(Protocol):
    """Starts a worker process."""

    def __call__(self, role: WorkerRole, environment: Mapping[str, str], log: Path) -> WorkerProcess:
        """Returns the process.

        Args:
            role: what it is.
            environment: what to add to this process's own.
            log: the file that receives what it prints.
        """
        ...


class CommandStarter:
    """Runs this process's own command line again; the search in it sees that it is a worker.

    Raises:
        ConfigurationError: in a notebook or an interactive session, which have no command to run again.
    """

    def __init__(self) -> None:
        command = list(sys.orig_argv)
        interactive = hasattr(sys, "ps1") or sys.flags.interactive or "ipykernel" in sys.modules
        if interactive or len(command) < 2 or command[1] in ("-c", "-"):
            raise ConfigurationError(
                "Worker processes run the search's own command again, and an interactive session has none. "
                "Put the search into a script, or use n_workers=1."
            )
        self.command = command

    def __call__(self, role: WorkerRole, environment: Mapping[str, str], log: Path) -> WorkerProcess:
        """See :class:`StartWorker`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            return subprocess.Popen(  # noqa: S603 - our own command line
                self.command,
                env={**os.environ, **environment, **role.to_environment()},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
