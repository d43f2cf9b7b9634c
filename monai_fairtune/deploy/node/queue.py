"""The persistent queue: which image belongs to which part of a study, and how far each part is.

::

    received -> ready -> answered -> sent
       ^          |          └-----> failed ----┐
       |          ├----------------> refused ---┤
       |          └----------------> failed ----┤
       └----------------------------------------┘  an image of it comes again

A part is what came of a study until it fell silent; what comes later is another part. Images and studies stand here
under pseudonyms only.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from monai_fairtune.deploy.node.database import Database, Run
from monai_fairtune.deploy.node.own_time import DAY, TIME_SCHEMA, OwnTime
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["Load", "Part", "State", "StudyQueue"]

State = Literal["received", "ready", "answered", "sent", "refused", "failed"]

# Waiting (due) is by the monotonic clock, which starts anew with the process; age (received, changed) by ``OwnTime``.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS part (
    id INTEGER PRIMARY KEY AUTOINCREMENT, study TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, received REAL NOT NULL, changed REAL NOT NULL, reason TEXT,
    kept INTEGER NOT NULL DEFAULT 1, UNIQUE (study, number));
CREATE INDEX IF NOT EXISTS part_state ON part (state, due);
CREATE INDEX IF NOT EXISTS part_kept ON part (id) WHERE kept;
CREATE INDEX IF NOT EXISTS part_changed ON part (changed);
CREATE TABLE IF NOT EXISTS image (
    name TEXT PRIMARY KEY, part INTEGER NOT NULL REFERENCES part ON DELETE CASCADE, n_bytes INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS image_part ON image (part);
CREATE TABLE IF NOT EXISTS bound (what TEXT PRIMARY KEY, fingerprint TEXT NOT NULL);
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
        time_of_day: seconds that anybody may set.
    """

    def __init__(
        self,
        path: Path,
        study_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self._study_seconds, self._clock = study_seconds, clock
        self._database = Database(path, _SCHEMA + TIME_SCHEMA)
        self._change = self._database.change
        self._load: Load | None = None  # unless it must be counted anew
        with self._change() as run:
            self._time = OwnTime(run, clock, time_of_day)
            run("UPDATE part SET due = ? + CASE state WHEN 'received' THEN ? ELSE 0 END", clock(), study_seconds)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def use_key(self, fingerprint: str) -> None:
        """Notes which key the pseudonyms are made with.

        Raises:
            ConfigurationError: if it is another than before: what is here could not be found under its names.
        """
        with self._change() as run:
            if not self._bind(run, "key", fingerprint):
                raise ConfigurationError(
                    "The spool folder was filled under another pseudonym key. Give the node that key again, or an "
                    "empty folder."
                )

    def use_model(self, fingerprint: str) -> None:
        """Notes what answers: another than before tries what has failed, and what was answered once it comes again."""
        with self._change() as run:
            if not self._bind(run, "model", fingerprint):
                run("UPDATE bound SET fingerprint = ? WHERE what = 'model'", fingerprint)
                for row in run("SELECT id FROM part WHERE state = 'failed'").fetchall():
                    self._reopen(run, row[0], "ready", 0.0)
                run("DELETE FROM part WHERE state IN ('sent', 'refused')")
                self._load = None

    def knows(self, image: str) -> bool:
        """Says whether an image came before and is not to be stored again.

        One whose study was refused or has failed is not known: it may have been mended. The rest of its study is
        answered again together with it.
        """
        with self._change() as run:
            found = run("SELECT part, state FROM image JOIN part ON part.id = part WHERE name = ?", image).fetchone()
            if found is None or found[1] not in ("refused", "failed"):
                return found is not None
            run("DELETE FROM image WHERE name = ?", image)
            run("DELETE FROM part WHERE id = ? AND NOT EXISTS (SELECT 1 FROM image WHERE part = ?)", found[0], found[0])
            self._reopen(run, found[0], "received", self._study_seconds)
            self._load = None
            return False

    def add(self, study: str, image: str, n_bytes: int) -> None:
        """Adds an image that is not known to its study's open part, or to a new one."""
        try:
            with self._change() as run:
                self._add(run, study, image, n_bytes)
        except sqlite3.Error:
            self._load = None  # it may have counted what is not on disk
            raise

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
            if self._load is None:
                # A cross join begins with the parts that are kept, never with all images that are remembered.
                query = "SELECT COUNT(*), TOTAL(n_bytes) FROM part CROSS JOIN image ON part = part.id WHERE kept"
                n_images, n_bytes = run(query).fetchone()
                self._load = Load(n_images, int(n_bytes))
            return self._load

    def counts(self) -> dict[str, int]:
        """Returns the number of parts by state."""
        with self._change() as run:
            return dict(run("SELECT state, COUNT(*) FROM part GROUP BY state").fetchall())

    def oldest_seconds(self) -> float:
        """Returns for how long the oldest part waits whose report is neither sent nor refused nor failed; 0 without."""
        with self._change() as run:
            waiting = "SELECT MIN(received) FROM part WHERE state IN ('received', 'ready', 'answered')"
            since = run(waiting).fetchone()[0]
            return 0.0 if since is None else self._time.now() - since

    def tidy(self, keep_days: float, remember_days: float, remove: Callable[[Part], None]) -> None:
        """Removes the files of parts that are done, and forgets what is remembered for long enough.

        Nothing of a part can come again between its last look at it and the removal of its files.

        Args:
            keep_days: for which the files of parts that are sent or refused stay.
            remember_days: for which images of sent parts are known, and files of failed parts stay.
            remove: removes a part's files; may be called again for the same part.
        """
        with self._change() as run:
            now = self._time.now()
            ended = (
                "SELECT id, state FROM part INDEXED BY part_kept WHERE kept AND "
                "((state IN ('sent', 'refused') AND changed <= ?) OR (state = 'failed' AND changed <= ?))"
            )
            for part, state in run(ended, now - keep_days * DAY, now - remember_days * DAY).fetchall():
                remove(self._part(run, part))
                if state == "sent":
                    run("UPDATE part SET kept = 0 WHERE id = ?", part)
                else:  # it may come again
                    run("DELETE FROM part WHERE id = ?", part)
                self._load = None
            run("DELETE FROM part WHERE changed <= ? AND NOT kept", now - remember_days * DAY)
            self._time.note(run)

    def kept(self) -> tuple[set[str], set[tuple[str, int]]]:
        """Returns what has files: the images, and the parts by study and number."""
        with self._change() as run:
            images = run("SELECT name FROM image JOIN part ON part.id = part WHERE kept").fetchall()
            return {row[0] for row in images}, set(run("SELECT study, number FROM part WHERE kept").fetchall())

    def _add(self, run: Run, study: str, image: str, n_bytes: int) -> None:
        open_part = run("SELECT id FROM part WHERE study = ? AND state = 'received'", study).fetchone()
        part = open_part[0] if open_part else self._open(run, study)
        run("INSERT INTO image VALUES (?, ?, ?)", image, part, n_bytes)
        run("UPDATE part SET due = ? WHERE id = ?", self._clock() + self._study_seconds, part)
        if self._load is not None:
            self._load = Load(self._load.n_images + 1, self._load.n_bytes + n_bytes)

    def _bind(self, run: Run, what: str, fingerprint: str) -> bool:
        run("INSERT INTO bound VALUES (?, ?) ON CONFLICT DO NOTHING", what, fingerprint)
        found: tuple[str] = run("SELECT fingerprint FROM bound WHERE what = ?", what).fetchone()
        return found[0] == fingerprint

    def _open(self, run: Run, study: str) -> int:
        now = self._time.now()
        number = run("SELECT COALESCE(MAX(number), 0) + 1 FROM part WHERE study = ?", study).fetchone()[0]
        columns = "INSERT INTO part (study, number, state, due, received, changed) VALUES (?, ?, 'received', ?, ?, ?)"
        return int(run(columns, study, number, self._clock(), now, now).lastrowid or 0)

    def _reopen(self, run: Run, part: int, state: State, seconds: float) -> None:
        self._set(run, part, state, attempts=0)
        run("UPDATE part SET received = changed, due = due + ? WHERE id = ?", seconds, part)

    def _set(self, run: Run, part: int, state: State, *, attempts: int, reason: str | None = None) -> None:
        values = (state, attempts, reason, self._clock(), self._time.now(), part)
        run("UPDATE part SET state = ?, attempts = ?, reason = ?, due = ?, changed = ? WHERE id = ?", *values)

    def _part(self, run: Run, part: int) -> Part:
        study, number, attempts = run("SELECT study, number, attempts FROM part WHERE id = ?", part).fetchone()
        images = run("SELECT name FROM image WHERE part = ? ORDER BY rowid", part).fetchall()
        return Part(part, study, number, attempts, tuple(row[0] for row in images))
