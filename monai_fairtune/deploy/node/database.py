"""Transactions on one SQLite file that several threads of one process share."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

__all__ = ["Database", "Run"]

Run: TypeAlias = Callable[..., sqlite3.Cursor]
"""Runs a statement with its values, within a transaction."""


class Database:
    """One SQLite file; what a transaction has changed is on disk when it ends.

    Args:
        path: of the file; made if it is missing.
        schema: statements that make what is missing in it.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.executescript(schema)

    @contextmanager
    def change(self) -> Iterator[Run]:
        """Begins a transaction, alone; ends it, or undoes it at an error."""
        with self._lock, closing(self._connection.cursor()) as cursor:

            def run(statement: str, *values: object) -> sqlite3.Cursor:
                return cursor.execute(statement, values)

            run("BEGIN IMMEDIATE")
            try:
                yield run
                run("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()
