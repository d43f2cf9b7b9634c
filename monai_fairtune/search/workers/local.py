"""The worker of a driver on the same machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from monai_fairtune.exceptions import FairTuneError, SearchInterruptedError
from monai_fairtune.search.board import Board, SqlBoard, connect, storage_url
from monai_fairtune.search.files import write_json
from monai_fairtune.search.workers.runner import JobRunner
from monai_fairtune.search.workers.signals import StopRequest, die_with_parent
from monai_fairtune.search.workers.starting import WorkerRole
from monai_fairtune.search.workers.worker import Worker

__all__ = ["leaving_errors", "local_board", "work_for_driver"]

_IDLE_SECONDS = 0.02
_LEASE_SECONDS = 120.0
_BOARD_STUDY = "local"


def local_board(path: str) -> SqlBoard:
    """Returns the board that a driver and its workers share, in a file that lives as long as the driver."""
    return SqlBoard(connect(storage_url(path)), _BOARD_STUDY, lease_seconds=_LEASE_SECONDS, patience=60.0)


def work_for_driver(role: WorkerRole, board: Board, runner: JobRunner) -> int:
    """Does jobs until the driver ends this process, or ends itself.

    Args:
        role: from the driver.
        board: the driver's.
        runner: does jobs.

    Returns:
        The exit code. An error of this package is left for the driver in a file.
    """
    die_with_parent(role.driver)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver hears it too, and decides
    stop = StopRequest()
    worker = Worker(
        board,
        runner,
        runner.folder,
        role.name,
        stop,
        renew_every=1.0,
        stall_timeout=runner.settings.stall_timeout,
    )
    with stop.listening(), leaving_errors(Path(role.error_file)):
        try:
            while True:
                if not worker.step():
                    stop.wait(_IDLE_SECONDS)
        except SearchInterruptedError as error:
            return error.exit_code


@contextmanager
def leaving_errors(path: Path) -> Iterator[None]:
    """Writes the error of this package that ends the context to a file, for whoever started this process."""
    try:
        yield
    except FairTuneError as error:
        with suppress(OSError):
            write_json(path, {"error": type(error).__name__, "message": str(error)})
        raise
