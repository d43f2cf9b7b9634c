"""The board in a database: leases by the database's clock, every step a compare-and-set."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    extract,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from monai_fairtune.search.board.board import Entry, Lease
from monai_fairtune.search.board.database import alone, is_server, persist
from monai_fairtune.search.faults import Fault, next_step
from monai_fairtune.search.job import Job

__all__ = ["SqlBoard", "jobs_table"]

_T = TypeVar("_T")
_STATES = {"retry": "queued", "give_up": "given_up", "stop": "stopped"}

_metadata = MetaData()
jobs_table = Table(
    "fairtune_jobs",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("study", String(200), nullable=False, index=True),
    Column("key", String(200), nullable=False),
    Column("job", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("worker", String(200)),
    Column("token", String(40)),
    Column("lease_until", Float),
    Column("attempts", Integer, nullable=False, default=0),
    Column("accumulation_steps", Integer, nullable=False, default=1),
    Column("faults", Text, nullable=False, default="[]"),
    Column("reason", Text),
    Column("progress", Text, nullable=False, default="{}"),
    Column("result", Text),
    UniqueConstraint("study", "key"),
)


class SqlBoard:
    """The ``Board`` that several processes share.

    A lease is a row's token: whoever finishes, fails or renews names the token, and the database changes the row only
    if it still stands there. A call that the network swallowed is repeated: finishing twice with one token is
    finishing.

    Args:
        engine: of SQLite (one machine) or PostgreSQL.
        study: name; several studies may share a database.
        lease_seconds: until a lease that is not renewed runs out, by the database's clock; on SQLite by the
            machine's monotonic clock, which a change of the time of day does not move.
        patience: seconds for which an unreachable database is tried again.
    """

    def __init__(self, engine: Engine, study: str, *, lease_seconds: float = 600.0, patience: float = 900.0) -> None:
        self.engine, self.study = engine, study
        self.lease_seconds, self.patience = lease_seconds, patience
        self._here = jobs_table.c.study == study
        persist(self._create, patience=patience, what="making the table of jobs")

    def put(self, jobs: Sequence[Job]) -> None:
        """See :meth:`Board.put`."""
        known = set(self._persist(self._keys, "reading jobs"))
        for job in (job for job in jobs if job.key not in known):
            self._persist(lambda connection, job=job: self._insert(connection, job), "adding a job")  # type: ignore[misc]

    def claim(self, worker: str) -> Lease | None:
        """See :meth:`Board.claim`."""
        token = uuid.uuid4().hex
        return self._persist(lambda connection: self._claim(connection, worker, token), "taking a job")

    def renew(self, lease: Lease, progress: Mapping[str, Any] | None = None) -> bool:
        """See :meth:`Board.renew`."""
        values: dict[str, Any] = {"lease_until": self._now + literal(self.lease_seconds)}
        if progress is not None:
            values["progress"] = json.dumps(dict(progress))
        return self._change(lease, values, "renewing a lease")

    def finish(self, lease: Lease, result: Mapping[str, Any]) -> bool:
        """See :meth:`Board.finish`."""
        return self._change(lease, _done(result), "storing a result") or self._is_done(lease)

    def adopt(self, key: str, result: Mapping[str, Any]) -> None:
        """See :meth:`Board.adopt`; the token stays, by which a worker that lives has finished."""
        row = jobs_table.c
        open_row = (self._here, row.key == key, row.state.in_(["queued", "leased"]))
        change = update(jobs_table).where(*open_row).values(**_done(result))
        self._persist(lambda connection: connection.execute(change), "storing a result")

    def fail(self, lease: Lease, fault: Fault, reason: str) -> None:
        """See :meth:`Board.fail`."""
        row = jobs_table.c
        held = and_(row.key == lease.job.key, row.token == lease.token, row.state == "leased")
        self._persist(lambda connection: self._fail(connection, held, fault, reason), "noting a fault")

    def release(self, lease: Lease) -> None:
        """See :meth:`Board.release`."""
        values = {"state": "queued", "worker": None, "token": None, "attempts": jobs_table.c.attempts - 1}
        self._change(lease, values, "giving a job back")

    def fail_worker(self, worker: str, fault: Fault, reason: str) -> int:
        """See :meth:`Board.fail_worker`."""
        held = and_(jobs_table.c.worker == worker, jobs_table.c.state == "leased")
        return self._persist(lambda connection: self._fail(connection, held, fault, reason), "noting a fault")

    def entries(self) -> list[Entry]:
        """See :meth:`Board.entries`."""
        row = jobs_table.c
        query = (
            select(row.job, row.state, row.worker, row.faults, row.reason, row.progress, row.lease_until - self._now)
            .where(self._here, row.state != "done")
            .order_by(row.id)
        )
        found = self._persist(lambda connection: connection.execute(query).all(), "reading jobs")
        return [
            Entry(
                Job.from_dict(json.loads(job)),
                state,
                worker,
                tuple(json.loads(faults)),
                reason,
                json.loads(progress),
                None if state != "leased" else float(seconds),
            )
            for job, state, worker, faults, reason, progress, seconds in found
        ]

    def take_back(self, workers: str | None) -> int:
        """Ends leases at once; returns how many.

        Args:
            workers: how the names of their workers start; None for leases that have run out.
        """
        row = jobs_table.c
        which = row.lease_until < self._now if workers is None else row.worker.startswith(workers, autoescape=True)
        held = and_(row.state == "leased", which)
        return self._persist(lambda connection: self._fail(connection, held, "lost", "taken back"), "taking back")

    def requeue(self) -> int:
        """Makes jobs wait again that were given up or ended the search; returns how many."""
        row = jobs_table.c
        ended = and_(self._here, row.state.in_(["given_up", "stopped"]))
        change = update(jobs_table).where(ended).values(state="queued", faults="[]", attempts=0, reason=None)
        return int(self._persist(lambda connection: connection.execute(change).rowcount, "requeueing"))

    @contextmanager
    def leading(self) -> Iterator[bool]:
        """See :meth:`Board.leading`; on SQLite one driver owns the board, on PostgreSQL a lock is tried for."""
        if not is_server(self.engine.url):
            yield True
            return
        key = int.from_bytes(hashlib.sha256(self.study.encode()).digest()[:8], "big", signed=True)
        try:
            connection = self.engine.connect()
            limit = f"{round(1000 * min(60.0, self.lease_seconds))}ms"  # then a stopped process leads no more
            connection.execute(select(func.set_config("idle_in_transaction_session_timeout", limit, True)))
            leads = bool(connection.execute(select(func.pg_try_advisory_xact_lock(key))).scalar_one())
        except DBAPIError:
            yield False
            return
        try:
            yield leads
        finally:
            with suppress(DBAPIError):  # the lock ends with its connection, however that ends
                connection.close()

    def results(self, known: Collection[str]) -> dict[str, dict[str, Any]]:
        """See :meth:`Board.results`."""
        row = jobs_table.c

        def read(connection: Connection) -> dict[str, dict[str, Any]]:
            done = connection.execute(select(row.key).where(self._here, row.state == "done").order_by(row.id)).scalars()
            found = {}
            for key in [key for key in done if key not in known]:
                text = connection.execute(select(row.result).where(self._here, row.key == key)).scalar_one()
                found[key] = json.loads(text)
            return found

        return self._persist(read, "reading results")

    @property
    def _now(self) -> ColumnElement[Any]:
        if is_server(self.engine.url):
            return extract("epoch", func.clock_timestamp())
        return literal(time.monotonic())

    def _persist(self, work: Callable[[Connection], _T], what: str) -> _T:
        def attempt() -> _T:
            with self.engine.begin() as connection:
                return work(connection)

        return persist(attempt, patience=self.patience, what=what)

    def _create(self) -> None:
        with alone(self.engine):
            _metadata.create_all(self.engine, checkfirst=True)

    def _keys(self, connection: Connection) -> list[str]:
        return list(connection.execute(select(jobs_table.c.key).where(self._here)).scalars())

    def _insert(self, connection: Connection, job: Job) -> None:
        try:
            with connection.begin_nested():
                text = json.dumps(job.to_dict(), allow_nan=False)
                connection.execute(insert(jobs_table).values(study=self.study, key=job.key, job=text, state="queued"))
        except IntegrityError:
            return  # somebody else, or this call's first attempt, has put it there

    def _claim(self, connection: Connection, worker: str, token: str) -> Lease | None:
        row = jobs_table.c
        expired = and_(row.state == "leased", row.lease_until < self._now)
        self._fail(connection, expired, "lost", "nothing was heard of the worker until its lease ran out")
        columns = (row.job, row.attempts, row.accumulation_steps, row.faults)
        mine = select(*columns).where(self._here, row.token == token, row.state == "leased")
        held = connection.execute(mine).first()  # this call's first attempt may have arrived
        while held is None:
            waiting = select(row.key).where(self._here, row.state == "queued").order_by(row.id).limit(1)
            key = connection.execute(waiting).scalar_one_or_none()
            if key is None:
                return None
            until = self._now + literal(self.lease_seconds)
            values = {"state": "leased", "worker": worker, "token": token, "lease_until": until, "progress": "{}"}
            connection.execute(
                update(jobs_table)
                .where(self._here, row.key == key, row.state == "queued")
                .values(**values, attempts=row.attempts + 1)
            )
            held = connection.execute(mine).first()
        job, attempts, accumulation_steps, faults = held
        return Lease(
            Job.from_dict(json.loads(job)), token, worker, attempts, accumulation_steps, tuple(json.loads(faults))
        )

    def _fail(self, connection: Connection, which: ColumnElement[bool], fault: Fault, reason: str) -> int:
        row = jobs_table.c
        found = connection.execute(select(row.key, row.token, row.faults).where(self._here, which)).all()
        n_failed = 0
        for key, token, text in found:
            faults = (*json.loads(text), fault)
            step = next_step(faults)
            changed = connection.execute(
                update(jobs_table)
                .where(self._here, row.key == key, row.token == token, row.state == "leased")
                .values(
                    state=_STATES[step.action],
                    token=None,
                    faults=json.dumps(faults),
                    reason=reason,
                    accumulation_steps=step.accumulation_steps,
                )
            )
            n_failed += changed.rowcount
        return n_failed

    def _change(self, lease: Lease, values: Mapping[str, Any], what: str) -> bool:
        row = jobs_table.c
        held = (self._here, row.key == lease.job.key, row.token == lease.token, row.state == "leased")
        change = update(jobs_table).where(*held).values(**values)
        return bool(self._persist(lambda connection: connection.execute(change).rowcount, what))

    def _is_done(self, lease: Lease) -> bool:
        row = jobs_table.c
        query = select(row.token).where(self._here, row.key == lease.job.key, row.state == "done")
        return self._persist(lambda connection: connection.execute(query).scalar_one_or_none(), what="") == lease.token


def _done(result: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": "done", "result": json.dumps(dict(result), allow_nan=False), "lease_until": None}
