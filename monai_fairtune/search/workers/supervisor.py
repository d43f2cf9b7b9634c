"""Keeps worker processes alive: starts them, notes how they end, and starts them again."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from types import TracebackType

import monai_fairtune.exceptions as errors
from monai_fairtune.exceptions import FairTuneError, RunError, WorkersLostError
from monai_fairtune.search.board import Board
from monai_fairtune.search.faults import Fault
from monai_fairtune.search.files import read_json
from monai_fairtune.search.workers.keeper import HUNG_EXIT_CODE
from monai_fairtune.search.workers.starting import WorkerProcess

__all__ = ["Slot", "Supervisor"]

_log = logging.getLogger(__name__)
_GRACE = 10.0
_MOST_FAILURES = 5


@dataclass
class Slot:
    """A place for one worker process after another.

    Args:
        name: of whoever works there.
        start: starts a process.
        error_file: where a process leaves the sentence that it ends with.
    """

    name: str
    start: Callable[[], WorkerProcess]
    error_file: Path
    process: WorkerProcess | None = None
    n_failures: int = 0
    n_finished_then: int = 0
    is_retired: bool = False
    last_error: FairTuneError | None = None


@dataclass
class Supervisor:
    """The worker processes of one driver.

    A process that dies costs one attempt of its job and is replaced. One that ends with an error of this package ends
    the search with that error. A slot whose processes end time and again without finishing anything is retired.

    Args:
        slots: places for workers.
        board: to which the deaths of workers are told, or None where leases that run out tell it.
    """

    slots: Sequence[Slot]
    board: Board | None

    def __enter__(self) -> Supervisor:
        for slot in self.slots:
            self._start(slot)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def check(self, n_finished: int) -> bool:
        """Looks after the processes; says whether any is left.

        Args:
            n_finished: how many jobs are done: while this grows, workers may end as often as they like.

        Raises:
            FairTuneError: that a worker ended with.
            WorkersLostError: if no slot is left; where its workers met an error of a training, that error.
        """
        for slot in self.slots:
            code = None if slot.process is None else slot.process.poll()
            if code is not None:
                slot.process = None
                self._ended(slot, code, n_finished)
        if all(slot.is_retired for slot in self.slots):
            if all(slot.n_failures < _MOST_FAILURES for slot in self.slots):
                return False
            known = next((slot.last_error for slot in self.slots if slot.last_error is not None), None)
            raise known or WorkersLostError(
                f"No worker stays alive: {len(self.slots)} ended {_MOST_FAILURES} times without finishing a job. Their "
                "output is in the folder 'logs'. Nothing is lost: the same command goes on where it stopped."
            )
        return True

    def stop(self) -> None:
        """Ends all processes: asks first, then insists."""
        alive = [slot.process for slot in self.slots if slot.process is not None]
        for process in alive:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        for process in alive:
            _end(process, deadline - time.monotonic())

    def _start(self, slot: Slot) -> None:
        slot.error_file.unlink(missing_ok=True)
        slot.process = slot.start()

    def _ended(self, slot: Slot, code: int, n_finished: int) -> None:
        slot.last_error = known = _read_error(slot.error_file)
        if code == 0:
            slot.is_retired = True
            return
        if known is not None and not isinstance(known, errors.TrialCrashedError):
            raise known
        fault, words = _fault(code)
        n_held = 0 if self.board is None else self.board.fail_worker(slot.name, fault, words)
        _log.warning("Worker %s ended (%s) and is started again; it held %d jobs.", slot.name, words, n_held)
        slot.n_failures = slot.n_failures + 1 if n_finished == slot.n_finished_then else 1
        slot.n_finished_then = n_finished
        if slot.n_failures >= _MOST_FAILURES:
            slot.is_retired = True
        else:
            self._start(slot)


def _end(process: WorkerProcess, grace: float) -> None:
    try:
        process.wait(max(0.0, grace))
    except TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _fault(code: int) -> tuple[Fault, str]:
    if code < 0:
        with suppress(ValueError):
            return "killed", f"the worker was ended by {signal.Signals(-code).name}"
    if code == HUNG_EXIT_CODE:
        return "hung", "the worker found its training hung"
    return ("killed" if code < 0 else "crashed"), f"the worker ended with code {code}"


def _read_error(path: Path) -> FairTuneError | None:
    """Returns the error that a worker ended with, if it left one."""
    try:
        stored = read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    kind = getattr(errors, str(stored.get("error")), RunError)
    return kind(str(stored.get("message")))
