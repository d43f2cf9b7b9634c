"""Takes jobs from the board, does them, and says what came of each."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_fairtune.exceptions import (
    DiskFullError,
    FairTuneError,
    SearchInterruptedError,
    StorageUnreachableError,
    TrialCrashedError,
)
from monai_fairtune.search.board import Board, Lease
from monai_fairtune.search.faults import Fault, classify
from monai_fairtune.search.files import write_json
from monai_fairtune.search.records import stored_result
from monai_fairtune.search.workers.keeper import LeaseKeeper
from monai_fairtune.search.workers.signals import StopRequest

__all__ = ["Worker", "worker_name"]

_log = logging.getLogger(__name__)

DoJob = Callable[[Lease, Callable[[Mapping[str, Any]], None]], Mapping[str, Any]]
"""Does a job and returns its result as plain JSON; calls the second argument on progress, which may raise."""


class _LeaseLostError(Exception):
    """Somebody else has the job by now."""


@dataclass
class Worker:
    """One process's way through the board.

    Args:
        board: of jobs.
        do: does a job.
        folder: receives each result before the board hears of it.
        name: of this worker.
        stop: whether to stop.
        renew_every: seconds between renewals of a lease.
        stall_timeout: as :class:`LeaseKeeper` takes it.
        watch: called on progress with the lease and what is known, for people who watch.
        is_alone: whether an unexpected error should reach the caller as it is, since no other process goes on.
    """

    board: Board
    do: DoJob
    folder: Path
    name: str
    stop: StopRequest
    renew_every: float = 60.0
    stall_timeout: float | None = None
    watch: Callable[[Lease, Mapping[str, Any]], None] = lambda lease, progress: None  # noqa: ARG005
    is_alone: bool = False

    def step(self) -> bool:
        """Does one job, if one waits; says whether it did.

        Raises:
            SearchInterruptedError: if this process was asked to stop; the job waits again.
            DiskFullError: if the result cannot be written; the job waits again.
            TrialCrashedError: after an unexpected error, so that a fresh process takes over.
            FairTuneError: where what the user gave cannot be used.
        """
        self.stop.check()
        lease = self.board.claim(self.name)
        if lease is None:
            return False
        stored = None if lease.job.kind == "final" else stored_result(self.folder, lease.job.key)
        if stored is None:
            self._attempt(lease)
        else:  # a worker wrote it and ended before it could say so
            self.board.finish(lease, stored)
        return True

    def _attempt(self, lease: Lease) -> None:
        with LeaseKeeper(self.board, lease, every=self.renew_every, stall_timeout=self.stall_timeout) as keeper:

            def on_progress(progress: Mapping[str, Any]) -> None:
                keeper.note(progress)
                self.watch(lease, progress)
                if keeper.is_lost:
                    raise _LeaseLostError
                self.stop.check()

            try:
                result = self.do(lease, on_progress)
                self._write(lease, result)
            except _LeaseLostError:
                _log.warning("The lease on %s was lost: somebody else does it again.", lease.job.key)
                return
            except (SearchInterruptedError, StorageUnreachableError, KeyboardInterrupt):
                self._give_back(lease)
                raise
            except Exception as error:  # noqa: BLE001 - whatever a training raises is classified by the policy
                self._fail(lease, error)
                return
        self.board.finish(lease, result)

    def _write(self, lease: Lease, result: Mapping[str, Any]) -> None:
        """Writes a result, unless somebody else is to do so by now."""
        if not self.board.renew(lease):
            raise _LeaseLostError
        if lease.job.kind != "final":  # which writes its files itself
            write_json(self.folder / lease.job.key / "result.json", result)

    def _fail(self, lease: Lease, error: Exception) -> None:
        fault = classify(error)
        if fault == "disk_full":
            self._give_back(lease)
            raise DiskFullError(
                f"The result of {lease.job.title} could not be written: the disk is full. "
                "Nothing is lost: make room and start the same command again."
            ) from error
        if isinstance(error, FairTuneError) or (fault == "crashed" and self.is_alone):
            self._give_back(lease)
            raise error
        self.board.fail(lease, fault, _reason(fault, error))
        if fault in ("device_lost", "crashed"):
            raise TrialCrashedError(
                f"{lease.job.title} ended with {type(error).__name__} ({fault.replace('_', ' ')})."
            ) from error

    def _give_back(self, lease: Lease) -> None:
        if lease.job.kind == "final":  # it may have read the test split, and each read counts
            self.board.fail(lease, "interrupted", "the final assessment was interrupted")
        else:
            self.board.release(lease)


def worker_name() -> str:
    """Returns a name for this process that people can find again: host and process number."""
    return f"{platform.node()}:{os.getpid()}"


def _reason(fault: Fault, error: Exception) -> str:
    """Returns a fault in words that repeat nothing of an error's text, which may name files."""
    return f"{type(error).__name__} in a training ({fault.replace('_', ' ')})"
