"""Ends what a killed test run leaves behind: ``python guard.py FOLDER`` waits for its end and then clears the folder.

A server's own processes end by a signal of the kernel; what *they* started, such as the jobs of a scheduler, would not.
This file imports nothing of ours, so that it starts from anywhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["end_processes_of", "processes_of"]


def processes_of(folder: Path) -> list[int]:
    """Returns the ids of all other processes that name a folder: in command line, environment or working folder."""
    name = os.fsencode(folder)
    return [pid for pid in _others() if any(name in text for text in _texts(Path(f"/proc/{pid}")))]


def end_processes_of(folder: Path, seconds: float = 10.0) -> None:
    """Kills every process that names a folder, until none does; gives up after some seconds.

    Args:
        folder: a temporary folder with a name of its own; what names it is ours.
        seconds: limit.
    """
    end = time.monotonic() + seconds
    while (found := processes_of(folder)) and time.monotonic() < end:
        for pid in found:
            with suppress(ProcessLookupError):  # it has ended in the meantime
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _others() -> list[int]:
    ours = {os.getpid(), os.getppid()}
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if int(path.name) not in ours]


def _texts(process: Path) -> list[bytes]:
    try:
        where = os.fsencode((process / "cwd").readlink())
        return [(process / "cmdline").read_bytes(), (process / "environ").read_bytes(), where]
    except OSError:  # it has ended in the meantime, or is another user's
        return []


def _main(folder: Path) -> None:
    signal.sigwait({signal.SIGTERM})
    time.sleep(0.5)  # servers end by themselves first
    end_processes_of(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    _main(Path(sys.argv[1]))
