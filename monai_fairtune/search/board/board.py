"""Where jobs wait, who works on them until when, and what came of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from monai_fairtune.search.faults import Fault
from monai_fairtune.search.job import Job

__all__ = ["Board", "Entry", "Lease"]


@dataclass(frozen=True)
class Lease:
    """A worker's right to one job, until it is finished, given back or runs out.

    Args:
        job: to be done.
        token: of this right; a job taken again has another.
        worker: who holds it.
        attempt: from 1.
        accumulation_steps: micro-batches an optimizer step, above 1 after memory ran out.
        faults: of the attempts before.
    """

    job: Job
    token: str
    worker: str
    attempt: int
    accumulation_steps: int = 1
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A job on the board, as it stands.

    Args:
        job: the job.
        state: waiting, being done, finished, given up, or such that the search must end.
        worker: who holds it, or did it last.
        faults: of its attempts so far.
        reason: of the last fault, in words.
        progress: what its worker last said: epoch, most epochs, objective.
        lease_seconds: until the lease runs out, by the board's clock; None unless it is being done.
    """

    job: Job
    state: Literal["queued", "leased", "done", "given_up", "stopped"]
    worker: str | None = None
    faults: tuple[Fault, ...] = ()
    reason: str | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    lease_seconds: float | None = None


class Board(Protocol):
    """The seam between planning and working. Every operation is whole or not at all, and may be repeated."""

    def put(self, jobs: Sequence[Job]) -> None:
        """Adds jobs, in this order; those that are there already stay as they are."""
        ...

    def claim(self, worker: str) -> Lease | None:
        """Returns a lease on the first job that waits, or None. Leases that ran out are taken back first."""
        ...

    def renew(self, lease: Lease, progress: Mapping[str, Any] | None = None) -> bool:
        """Extends a lease, and says what is going on. False if the lease is not held any more."""
        ...

    def finish(self, lease: Lease, result: Mapping[str, Any]) -> bool:
        """Stores a job's result. False, and nothing stored, if the lease is not held any more."""
        ...

    def adopt(self, key: str, result: Mapping[str, Any]) -> None:
        """Stores the result of a job that is not done, whose worker wrote it and may have ended before it said so.

        A worker that lives may still finish what it holds.
        """
        ...

    def fail(self, lease: Lease, fault: Fault, reason: str) -> None:
        """Ends an attempt with a fault; the policy says what becomes of the job."""
        ...

    def release(self, lease: Lease) -> None:
        """Gives a job back as if it had not been taken."""
        ...

    def fail_worker(self, worker: str, fault: Fault, reason: str) -> int:
        """Ends whatever a worker holds with a fault, for one that cannot say so itself; returns how many jobs."""
        ...

    def entries(self) -> list[Entry]:
        """Returns every job that is not done, in order."""
        ...

    def leading(self) -> AbstractContextManager[bool]:
        """Gives the right to plan while the context lasts: true for one process at a time."""
        ...

    def results(self, known: Collection[str]) -> dict[str, dict[str, Any]]:
        """Returns the results of finished jobs by key, except those that are ``known``."""
        ...
