"""The board of a search in one process."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from monai_fairtune.search.board.board import Entry, Lease
from monai_fairtune.search.faults import Fault, next_step
from monai_fairtune.search.job import Job

__all__ = ["MemoryBoard"]


@dataclass
class _Row:
    entry: Entry
    token: str = ""
    attempts: int = 0
    accumulation_steps: int = 1
    result: dict[str, Any] | None = field(default=None)

    def is_done_by(self, lease: Lease) -> bool:
        return self.entry.state == "done" and self.token == lease.token


class MemoryBoard:
    """The in-memory member of the ``Board`` seam. Leases do not run out: who holds one is this process."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}

    def put(self, jobs: Sequence[Job]) -> None:
        """See :meth:`Board.put`."""
        for job in jobs:
            self._rows.setdefault(job.key, _Row(Entry(job, "queued")))

    def claim(self, worker: str) -> Lease | None:
        """See :meth:`Board.claim`."""
        for row in self._rows.values():
            if row.entry.state == "queued":
                row.token, row.attempts = uuid.uuid4().hex, row.attempts + 1
                row.entry = replace(row.entry, state="leased", worker=worker, progress={})
                return Lease(row.entry.job, row.token, worker, row.attempts, row.accumulation_steps, row.entry.faults)
        return None

    def renew(self, lease: Lease, progress: Mapping[str, Any] | None = None) -> bool:
        """See :meth:`Board.renew`."""
        row = self._held(lease)
        if row is not None and progress is not None:
            row.entry = replace(row.entry, progress=dict(progress))
        return row is not None

    def finish(self, lease: Lease, result: Mapping[str, Any]) -> bool:
        """See :meth:`Board.finish`."""
        row = self._held(lease)
        if row is not None:
            row.entry, row.result = replace(row.entry, state="done"), dict(result)
        return self._rows[lease.job.key].is_done_by(lease)

    def adopt(self, key: str, result: Mapping[str, Any]) -> None:
        """See :meth:`Board.adopt`."""
        row = self._rows.get(key)
        if row is not None and row.entry.state in ("queued", "leased"):
            row.entry, row.result = replace(row.entry, state="done"), dict(result)

    def fail(self, lease: Lease, fault: Fault, reason: str) -> None:
        """See :meth:`Board.fail`."""
        row = self._held(lease)
        if row is not None:
            self._fail(row, fault, reason)

    def release(self, lease: Lease) -> None:
        """See :meth:`Board.release`."""
        row = self._held(lease)
        if row is not None:
            row.attempts -= 1
            row.entry = replace(row.entry, state="queued", worker=None)

    def fail_worker(self, worker: str, fault: Fault, reason: str) -> int:
        """See :meth:`Board.fail_worker`."""
        held = [row for row in self._rows.values() if (row.entry.state, row.entry.worker) == ("leased", worker)]
        for row in held:
            self._fail(row, fault, reason)
        return len(held)

    def entries(self) -> list[Entry]:
        """See :meth:`Board.entries`."""
        return [row.entry for row in self._rows.values() if row.entry.state != "done"]

    def leading(self) -> AbstractContextManager[bool]:
        """See :meth:`Board.leading`."""
        return nullcontext(enter_result=True)

    def results(self, known: Collection[str]) -> dict[str, dict[str, Any]]:
        """See :meth:`Board.results`."""
        return {key: row.result for key, row in self._rows.items() if row.result is not None and key not in known}

    def _held(self, lease: Lease) -> _Row | None:
        row = self._rows.get(lease.job.key)
        return row if row is not None and row.entry.state == "leased" and row.token == lease.token else None

    def _fail(self, row: _Row, fault: Fault, reason: str) -> None:
        faults = (*row.entry.faults, fault)
        step = next_step(faults)
        states = {"retry": "queued", "give_up": "given_up", "stop": "stopped"}
        row.accumulation_steps = step.accumulation_steps
        row.entry = replace(row.entry, state=states[step.action], faults=faults, reason=reason)  # type: ignore[arg-type]
