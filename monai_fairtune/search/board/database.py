"""Databases: addresses without secrets, connections that notice a dead network, and calls that outlive a restart."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from optuna.exceptions import StorageInternalError
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from monai_fairtune.exceptions import ConfigurationError, DiskFullError, StorageUnreachableError

__all__ = ["STORAGE_VARIABLE", "alone", "connect", "engine_arguments", "is_server", "persist", "storage_url"]

STORAGE_VARIABLE = "FAIRTUNE_STORAGE"
"""The environment variable that may hold a database's URL, password included."""

_REFUSALS = ("password authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")
_T = TypeVar("_T")
_TABLES_LOCK = 0x6661697274756E65  # "fairtune"
_log = logging.getLogger(__name__)
_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"})


def storage_url(storage: str | Path) -> URL:
    """Returns the URL of a SQLite path, or of a database as a user names it.

    Args:
        storage: a path, a URL without a password, or ``environment`` for the URL in ``FAIRTUNE_STORAGE``.

    Raises:
        ConfigurationError: if it cannot be read, or shows a password to everyone who lists processes.

    Example:
        >>> storage_url("postgresql://db.local/studies").drivername
        'postgresql+psycopg'
        >>> storage_url("postgresql://me:secret@db.local/studies")
        Traceback (most recent call last):
            ...
        monai_fairtune.exceptions.ConfigurationError: The storage URL holds a password...
    """
    text = str(storage)
    from_environment = text == "environment"
    if from_environment:
        text = os.environ.get(STORAGE_VARIABLE, "")
        if not text:
            raise ConfigurationError(
                f"The storage is 'environment' and {STORAGE_VARIABLE} is not set. Set it to a URL."
            )
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigurationError(
            "The storage is neither a path nor a URL. Give study.db, or postgresql://host/database."
        ) from error
    if url.password and not from_environment:
        raise ConfigurationError(
            "The storage URL holds a password, which every user of this machine can read in the list of processes. "
            f"Leave it out and set PGPASSFILE or PGPASSWORD, or put the whole URL into {STORAGE_VARIABLE} and give the "
            "storage as 'environment'."
        )
    return url.set(drivername="postgresql+psycopg") if url.drivername in _POSTGRES else url


def is_server(url: URL) -> bool:
    """Says whether several machines may share the database."""
    return not url.drivername.startswith("sqlite")


def engine_arguments(url: URL) -> dict[str, Any]:
    """Returns what every engine is created with: a dead connection is noticed within a minute, not within hours."""
    if not is_server(url):
        return {"connect_args": {"timeout": 60}}
    alive: dict[str, Any] = {"connect_timeout": 10}
    if url.drivername.startswith("postgresql"):
        alive |= {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
        # A process that is stopped, or whose machine is gone, holds no lock for longer than a minute.
        alive["options"] = "-c idle_in_transaction_session_timeout=60000"
    return {"pool_pre_ping": True, "pool_recycle": 600, "connect_args": alive}


def connect(url: URL) -> Engine:
    """Returns an engine.

    Raises:
        ConfigurationError: if the database's driver is not installed.
    """
    try:
        if is_server(url):
            return sqlalchemy.create_engine(url, **engine_arguments(url))
        # No connection stays open between calls: SQLite's locks do not survive one that a copy of the process inherits.
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, **engine_arguments(url))
    except ImportError as error:
        raise ConfigurationError(
            f"The driver of {url.drivername} is not installed. Run pip install 'monai-fairtune[distributed]'."
        ) from error


@contextmanager
def alone(engine: Engine) -> Iterator[None]:
    """Lets one process at a time make tables: several that make the same ones at once fail."""
    if not is_server(engine.url):
        yield
        return
    with engine.begin() as connection:
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_TABLES_LOCK)))
        yield


def persist(work: Callable[[], _T], *, patience: float, what: str) -> _T:
    """Returns ``work()``, called again while the database cannot be reached.

    Args:
        work: may have been carried out although it fails: it must bear being repeated.
        patience: seconds before giving up.
        what: in words, for the error.

    Raises:
        StorageUnreachableError: if the database stays away for longer. Nothing of the URL is in the message.
        DiskFullError: if it cannot be written because its disk is full.
    """
    deadline, pause = time.monotonic() + patience, 0.05
    while True:
        try:
            return work()
        except (SQLAlchemyError, StorageInternalError, UnboundLocalError) as error:
            _refuse_refusals(error, what)
            cause = _connection_error(error)
            if cause is None:
                raise
            if "disk is full" in str(cause) or "disk I/O error" in str(cause):
                raise DiskFullError(
                    f"The database could not be written ({what}): its disk is full. "
                    "Nothing is lost: make room and start the same command again."
                ) from None
            if time.monotonic() > deadline:
                raise StorageUnreachableError(
                    f"The database could not be reached for {patience:.0f} s ({what}; {type(cause).__name__}). "
                    "Nothing is lost: start the same command again when it is back."
                ) from None
            _log.warning("The database cannot be reached (%s); trying again.", what)
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads the attempts
        pause = min(5.0, pause * 2)


def _refuse_refusals(error: BaseException, what: str) -> None:
    """Raises what no waiting mends as one sentence; the driver's own text may repeat statements and their values."""
    if isinstance(error, ProgrammingError) and "permission denied" in str(error.orig):
        raise ConfigurationError(
            f"The database's user may not do this ({what}). Use the user who owns the study's database."
        ) from None
    cause = _connection_error(error)
    if cause is not None and any(sign in str(cause) for sign in _REFUSALS):
        raise ConfigurationError(
            f"The database refuses this user, or does not exist ({what}). Check host, database, user and password: "
            "PGPASSFILE, PGPASSWORD or FAIRTUNE_STORAGE."
        ) from None


def _connection_error(error: BaseException) -> DBAPIError | None:
    """Returns the lost connection behind an error, or None. Optuna 5.0 hides one behind an ``UnboundLocalError``."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (OperationalError, InterfaceError)):
            return seen
        if isinstance(seen, DBAPIError) and seen.connection_invalidated:
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
