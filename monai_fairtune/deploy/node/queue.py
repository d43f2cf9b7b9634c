"""The persistent queue: which image belongs to which part of a study, and how far each part is.

::

    received -> ready -> answered -> sent
                  |          └-----> failed
                  ├----------------> refused
                  └----------------> failed

A part is what came of a study until it fell silent; what comes later is another part. Images and studies stand here
under pseudonyms only.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

__all__ = ["Load", "Part", "State", "StudyQueue"]

State = Literal["received", "ready", "answered", "sent", "refused", "failed"]
_DAY = 86_400.0
_Run: TypeAlias = "Callable[..., sqlite3.Cursor]"

# Waiting is by the monotonic clock, which a change of the time of day does not move; it starts anew with the process.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS part (
    id INTEGER PRIMARY KEY AUTOINCREMENT, study TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, received REAL NOT NULL, changed REAL NOT NULL, reason TEXT,
    kept INTEGER NOT NULL DEFAULT 1, UNIQUE (study, number));
CREATE INDEX IF NOT EXISTS part_state ON part (state, due);
CREATE TABLE IF NOT EXISTS image (
    name TEXT PRIMARY KEY, part INTEGER NOT NULL REFERENCES part ON DELETE CASCADE, n_bytes INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS image_part ON image (part);
CREATE TABLE IF NOT EXISTS model (sha256 TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Part:
    """A part of a study.

    Attributes:
        id: in the queue.
        study: pseudonym of the study.
        number: 1 for what came first of the study, 2 for what came after its answer, ...
        attempts: how often it was tried to answer, or the report to send, this attempt included.
        images: pseudonyms of its images, in order of arrival.
    """

    id: int
    study: str
    number: int
    attempts: int
    images: tuple[str, ...]


@dataclass(frozen=True)
class Load:
    """What the files of a queue's images amount to."""

    n_images: int
    n_bytes: int


class StudyQueue:
    """A queue in one SQLite file; each call is one transaction that is on disk when it returns.

    One process owns the file; its threads may call at once.

    Args:
        path: of the file; made if it is missing.
        study_seconds: without a new image, after which a study is ready.
        clock: seconds that never go back.
    """

    def __init__(self, path: Path, study_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._study_seconds, self._clock = study_seconds, clock
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.executescript(_SCHEMA)
        with self._change() as run:
            run("UPDATE part SET due = ? + CASE state WHEN 'received' THEN ? ELSE 0 END", clock(), study_seconds)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def use_model(self, sha256: str) -> None:
        """Notes which model answers; when it is another than before, what was answered may be asked again."""
        with self._change() as run:
            if run("SELECT sha256 FROM model").fetchall() != [(sha256,)]:
                run("DELETE FROM part WHERE state IN ('sent', 'refused', 'failed')")
                run("DELETE FROM model")
                run("INSERT INTO model VALUES (?)", sha256)

    def knows(self, image: str) -> bool:
        """Says whether an image came before; if its study has failed, the study is tried again."""
        with self._change() as run:
            found = run("SELECT part, state FROM image JOIN part ON part.id = part WHERE name = ?", image).fetchone()
            if found is not None and found[1] == "failed":
                self._set(run, found[0], "ready", attempts=0)
            return found is not None

    def add(self, study: str, image: str, n_bytes: int) -> bool:
        """Adds an image to its study's open part, or to a new one; returns False if it is known."""
        with self._change() as run:
            if run("SELECT 1 FROM image WHERE name = ?", image).fetchone():
                return False
            open_part = run("SELECT id FROM part WHERE study = ? AND state = 'received'", study).fetchone()
            part = open_part[0] if open_part else self._open(run, study)
            run("INSERT INTO image VALUES (?, ?, ?)", image, part, n_bytes)
            run("UPDATE part SET due = ? WHERE id = ?", self._clock() + self._study_seconds, part)
            return True

    def take_ready(self) -> Part | None:
        """Returns the part that has waited longest for an answer, closed and with the attempt counted; None without."""
        with self._change() as run:
            due = "SELECT id FROM part WHERE state IN ('received', 'ready') AND due <= ? ORDER BY due LIMIT 1"
            found = run(due, self._clock()).fetchone()
            if found is None:
                return None
            run("UPDATE part SET state = 'ready', attempts = attempts + 1 WHERE id = ?", found[0])
            return self._part(run, found[0])

    def answered(self, most: int) -> list[Part]:
        """Returns parts whose reports are to be sent now, what has waited longest first."""
        with self._change() as run:
            due = "SELECT id FROM part WHERE state = 'answered' AND due <= ? ORDER BY due, id LIMIT ?"
            return [self._part(run, row[0]) for row in run(due, self._clock(), most).fetchall()]

    def move(self, part: Part, state: State, reason: str | None = None) -> None:
        """Notes how far a part is; its attempts count from 0 again."""
        with self._change() as run:
            self._set(run, part.id, state, attempts=0, reason=reason)

    def put_off(self, part: Part, seconds: float, attempts: int, reason: str) -> None:
        """Lets a part wait in the state it is in."""
        with self._change() as run:
            values = (self._clock() + seconds, attempts, reason, part.id)
            run("UPDATE part SET due = ?, attempts = ?, reason = ? WHERE id = ?", *values)

    def load(self) -> Load:
        """Returns how many images' files are kept, and their bytes."""
        with self._change() as run:
            query = "SELECT COUNT(*), TOTAL(n_bytes) FROM image JOIN part ON part.id = part WHERE kept"
            n_images, n_bytes = run(query).fetchone()
            return Load(n_images, int(n_bytes))

    def counts(self) -> dict[str, int]:
        """Returns the number of parts by state."""
        with self._change() as run:
            return dict(run("SELECT state, COUNT(*) FROM part GROUP BY state").fetchall())

    def oldest_seconds(self) -> float:
        """Returns for how long the oldest part waits whose report is neither sent nor refused nor failed; 0 without."""
        with self._change() as run:
            waiting = "SELECT MIN(received) FROM part WHERE state IN ('received', 'ready', 'answered')"
            since = run(waiting).fetchone()[0]
            return 0.0 if since is None else max(0.0, time.time() - since)

    def removable(self, keep_days: float, remember_days: float) -> list[Part]:
        """Returns parts whose files may go: done for as long as they are kept; failed ones as long as remembered."""
        with self._change() as run:
            now = time.time()
            ended = (
                "SELECT id FROM part WHERE kept AND "
                "((state IN ('sent', 'refused') AND changed <= ?) OR (state = 'failed' AND changed <= ?))"
            )
            limits = (now - keep_days * _DAY, now - remember_days * _DAY)
            return [self._part(run, row[0]) for row in run(ended, *limits).fetchall()]

    def note_removed(self, part: Part) -> None:
        """Notes that a part's files are gone; a failed part is forgotten, so that it can be sent again."""
        with self._change() as run:
            run("UPDATE part SET kept = 0 WHERE id = ?", part.id)
            run("DELETE FROM part WHERE id = ? AND state = 'failed'", part.id)

    def forget(self, remember_days: float) -> None:
        """Forgets parts whose files are gone and that were done long ago."""
        with self._change() as run:
            run("DELETE FROM part WHERE NOT kept AND changed <= ?", time.time() - remember_days * _DAY)

    def kept(self) -> tuple[set[str], set[tuple[str, int]]]:
        """Returns what has files: the images, and the parts by study and number."""
        with self._change() as run:
            images = run("SELECT name FROM image JOIN part ON part.id = part WHERE kept").fetchall()
            return {row[0] for row in images}, set(run("SELECT study, number FROM part WHERE kept").fetchall())

    def _open(self, run: _Run, study: str) -> int:
        now = time.time()
        number = run("SELECT COALESCE(MAX(number), 0) + 1 FROM part WHERE study = ?", study).fetchone()[0]
        columns = "INSERT INTO part (study, number, state, due, received, changed) VALUES (?, ?, 'received', ?, ?, ?)"
        return int(run(columns, study, number, self._clock(), now, now).lastrowid or 0)

    def _set(self, run: _Run, part: int, state: State, *, attempts: int, reason: str | None = None) -> None:
        values = (state, attempts, reason, self._clock(), time.time(), part)
        run("UPDATE part SET state = ?, attempts = ?, reason = ?, due = ?, changed = ? WHERE id = ?", *values)

    def _part(self, run: _Run, part: int) -> Part:
        study, number, attempts = run("SELECT study, number, attempts FROM part WHERE id = ?", part).fetchone()
        images = run("SELECT name FROM image WHERE part = ? ORDER BY rowid", part).fetchall()
        return Part(part, study, number, attempts, tuple(row[0] for row in images))

    @contextmanager
    def _change(self) -> Iterator[_Run]:
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
