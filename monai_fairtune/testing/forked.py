"""Worker processes that start in milliseconds: copies of this process."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired

from monai_fairtune.search.workers import WorkerRole

__all__ = ["ForkStarter", "ForkedProcess", "fork"]


class ForkedProcess:
    """A child of this process, with the part of :class:`subprocess.Popen` that a supervisor uses."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Returns how it ended, negative for a signal, or None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(0.005)
        return code


def fork(work: Callable[[], object], log: Path, environment: Mapping[str, str] | None = None) -> ForkedProcess:
    """Runs ``work`` in a copy of this process, which must not have started threads that it needs.

    Args:
        work: ends the copy with 0, or with the exit code of the error that it raises.
        log: receives what it prints.
        environment: what to add to this process's own.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return ForkedProcess(pid)
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        log.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.environ.update(environment or {})
        work()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException as error:  # noqa: BLE001 - the copy ends here, whatever happened
        code = getattr(error, "exit_code", 1)
        with suppress(OSError):  # the log's disk may be full
            traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


class ForkStarter:
    """Starts workers of a search as copies of this process.

    Args:
        search: makes the search's call again, as a worker's command line would.
    """

    def __init__(self, search: Callable[[], object]) -> None:
        self.search = search
        self.processes: list[ForkedProcess] = []

    def __call__(self, role: WorkerRole, environment: Mapping[str, str], log: Path) -> ForkedProcess:
        """See :class:`monai_fairtune.search.workers.StartWorker`."""
        process = fork(self.search, log, {**environment, **role.to_environment()})
        self.processes.append(process)
        return process
