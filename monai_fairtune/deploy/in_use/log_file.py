"""The file of a log: its tables, what it refuses, and how it is opened.

SQLite rather than CSV parts: several processes may add at once, a row is there whole or not at all, and the file itself
refuses that rows are changed, replaced or removed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from monai_fairtune.exceptions import ConfigurationError, StorageUnreachableError

__all__ = ["begin", "reading", "writing"]

_PATIENCE = 30.0  # seconds to wait for another process that writes
_APPLICATION = int.from_bytes(b"FTAL", "big")
"""SQLite's mark of whose file this is."""
_TABLES = {
    "about": "key TEXT NOT NULL",
    "models": "sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, "
    "threshold REAL NOT NULL CHECK (threshold BETWEEN 0 AND 1)",
    "answers": "image TEXT NOT NULL, study TEXT NOT NULL, accession TEXT NOT NULL, patient TEXT NOT NULL, "
    "time TEXT NOT NULL, model TEXT NOT NULL REFERENCES models (sha256), "
    "probability REAL NOT NULL CHECK (probability BETWEEN 0 AND 1), UNIQUE (image, model)",
    "recorded": "scope TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, time TEXT NOT NULL, "
    "CHECK (name <> 'label' OR value IN ('0', '1'))",
}
_SAME = {"models": "OR sha256 = NEW.sha256", "answers": "OR (image = NEW.image AND model = NEW.model)"}
_REFUSE = "BEGIN SELECT RAISE(ABORT, 'rows of this log are added, never changed'); END"


def begin(path: Path) -> None:
    """Makes a log with mode 0600 where there is no file.

    Raises:
        ConfigurationError: if the file is no log.
        StorageUnreachableError: if it cannot be opened, or another process keeps it.
    """
    with _told_errors(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with _transaction(path) as connection:
            if connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
                _require_log(connection, path)
                return
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            for table, columns in _TABLES.items():
                connection.execute(f"CREATE TABLE {table} ({columns})")
                for verb in ("UPDATE", "DELETE"):
                    connection.execute(f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} {_REFUSE}")
                # INSERT OR REPLACE removes rows without a word to the trigger on DELETE.
                same = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE rowid = NEW.rowid {_SAME.get(table, '')})"  # noqa: S608
                connection.execute(f"CREATE TRIGGER {table}_INSERT BEFORE INSERT ON {table} {same} {_REFUSE}")
            connection.execute("CREATE INDEX recorded_of ON recorded (scope, id, name)")


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields a connection within one transaction, which is kept whole or not at all; errors are those of ``begin``."""
    with _told_errors(path):
        os.close(os.open(path, os.O_RDWR))
        with _transaction(path) as connection:
            _require_log(connection, path)
            yield connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields a connection that cannot write; errors are those of ``begin``."""
    with _told_errors(path), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        _require_log(connection, path)
        yield connection


@contextmanager
def _transaction(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")


def _require_log(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise ConfigurationError(f"'{path}' is no log of answers but another database. Give another path.")


@contextmanager
def _told_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageUnreachableError(
            f"The log '{path}' cannot be opened: {error.strerror}. Give a path that can be written."
        ) from error
    except sqlite3.OperationalError as error:
        raise StorageUnreachableError(
            f"The log '{path}' cannot be used: {error}. Try again when no other process writes to it."
        ) from error
    except sqlite3.IntegrityError as error:
        raise ConfigurationError(f"The log '{path}' refuses a row: {error}. Give other values.") from error
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"'{path}' is no log of answers: {error}. Give another path.") from error
