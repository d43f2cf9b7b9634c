"""Keeps a lease alive while its training makes progress, and only then."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from monai_fairtune.exceptions import StorageUnreachableError
from monai_fairtune.search.board import Board, Lease

__all__ = ["HUNG_EXIT_CODE", "LeaseKeeper"]

HUNG_EXIT_CODE = 76
"""How a process ends that found its own training hung."""

_log = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews a lease from a thread of its own.

    A process that is alive says little: its training may wait for something that never comes. Where no progress was
    noted for ``stall_timeout`` seconds, the keeper notes the fault and ends the process, since nothing else can end a
    call that hangs.

    Args:
        board: of the lease.
        lease: to be kept.
        every: seconds between renewals.
        stall_timeout: seconds without progress after which the training counts as hung; None where it is not for
            this process to end itself.
    """

    def __init__(self, board: Board, lease: Lease, *, every: float, stall_timeout: float | None) -> None:
        self.board, self.lease = board, lease
        self.every, self.stall_timeout = every, stall_timeout
        self.is_lost = False
        self._progress: Mapping[str, Any] | None = None
        self._last = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease of {lease.job.key}", daemon=True)

    def __enter__(self) -> LeaseKeeper:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def note(self, progress: Mapping[str, Any]) -> None:
        """Notes that the training made progress; it reaches the board with the next renewal."""
        self._last, self._progress = time.monotonic(), progress

    def _keep(self) -> None:
        while not self._done.wait(self.every):
            quiet = time.monotonic() - self._last
            if self.stall_timeout is not None and quiet > self.stall_timeout:
                _log.error("No epoch ended for %.0f s; this process ends.", quiet)
                self.board.fail(self.lease, "hung", f"no epoch ended for {quiet:.0f} s")
                os._exit(HUNG_EXIT_CODE)
            progress, self._progress = self._progress, None
            try:
                held = self.board.renew(self.lease, progress)
            except StorageUnreachableError:
                continue  # the training goes on; what comes of it is offered when it ends
            self.is_lost = self.is_lost or not held
