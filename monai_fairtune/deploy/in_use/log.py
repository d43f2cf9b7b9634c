"""The log of answers: a local SQLite file under pseudonyms, to which rows are added and in which none is changed.

SQLite rather than CSV parts: several processes may add at once, a row is there whole or not at all, and the file itself
refuses that rows are changed or removed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from monai_fairtune.deploy.classifier import ModelIdentity
from monai_fairtune.deploy.in_use.answer import SCOPES, Answer
from monai_fairtune.exceptions import ConfigurationError, PredictionsError, StorageUnreachableError
from monai_fairtune.predictions import keyed_pseudonym

__all__ = ["TABLES", "Added", "AnswerLog", "told_errors"]

_PATIENCE = 30.0  # seconds to wait for another process that writes
TABLES = {
    "about": "key TEXT NOT NULL",
    "models": "sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, threshold REAL NOT NULL",
    "answers": "image TEXT NOT NULL, study TEXT NOT NULL, accession TEXT NOT NULL, patient TEXT NOT NULL, "
    "time TEXT NOT NULL, model TEXT NOT NULL REFERENCES models (sha256), "
    "probability REAL NOT NULL CHECK (probability BETWEEN 0 AND 1), UNIQUE (image, model)",
    "attributes": "scope TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, "
    "recorded TEXT NOT NULL, UNIQUE (scope, id, name, value, recorded)",
    "outcomes": "scope TEXT NOT NULL, id TEXT NOT NULL, label INTEGER NOT NULL CHECK (label IN (0, 1)), "
    "recorded TEXT NOT NULL",
}


@dataclass(frozen=True)
class Added:
    """What became of answers.

    Attributes:
        n_added: new ones.
        n_known: of images that the same model had answered with the same probability; the first answer stays.
        n_different: of images that the same model had answered otherwise; the first answer stays. The model, the
            preparation or the image is not what it was.
    """

    n_added: int
    n_known: int
    n_different: int


class AnswerLog:
    """A log. Ids become pseudonyms under the key, which is not in it: whoever has the file alone cannot try ids out.

    Args:
        path: of the file, made with mode 0600 if it is not there.
        key: of the pseudonyms.

    Raises:
        ConfigurationError: if the file is no log, or was begun with another key.
        StorageUnreachableError: if it cannot be opened, or another process keeps it.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path, self._key = Path(path), key
        with self._connected() as connection:
            for name, columns in TABLES.items():
                connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
                for verb in ("UPDATE", "DELETE"):
                    connection.execute(
                        f"CREATE TRIGGER IF NOT EXISTS {name}_{verb} BEFORE {verb} ON {name} "
                        "BEGIN SELECT RAISE(ABORT, 'rows of this log are added, never changed'); END"
                    )
            mark = self._pseudonym("the key itself")
            found = connection.execute("SELECT key FROM about").fetchone()
            if found is None:
                connection.execute("INSERT INTO about VALUES (?)", (mark,))
            elif found[0] != mark:
                raise ConfigurationError(
                    "The log was begun with another key: ids would not find their answers. Give the first key."
                )

    def add(self, answers: Iterable[Answer], model: ModelIdentity, threshold: float) -> Added:
        """Adds answers and the attributes that come with them; an image that the model has answered stays as it is.

        Args:
            answers: that were given.
            model: that gave them.
            threshold: its operating point, in [0, 1]; of a model that is known already, the first one stays.
        """
        counts = {"added": 0, "known": 0, "different": 0}
        with self._connected() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO models VALUES (?, ?, ?, ?)",
                (model.sha256, model.name, model.version, threshold),
            )
            for answer in answers:
                counts[self._add(connection, answer, model.sha256)] += 1
        return Added(counts["added"], counts["known"], counts["different"])

    def add_attributes(self, values: Mapping[str, Mapping[str, str]], scope: str) -> int:
        """Adds attributes from another table, and returns how many values there are; the latest counts.

        Args:
            values: id to name of the attribute to its value; blank values are left out.
            scope: what the ids are of: ``image``, ``study``, ``accession`` or ``patient``.
        """
        _require_scope(scope, SCOPES)
        rows = [
            (scope, self._pseudonym(identifier), name, value, _now())
            for identifier, row in values.items()
            for name, value in row.items()
            if identifier and value
        ]
        with self._connected() as connection:
            connection.executemany("INSERT OR IGNORE INTO attributes VALUES (?, ?, ?, ?, ?)", rows)
        return len(rows)

    def add_outcomes(self, labels: Mapping[str, int], scope: str) -> int:
        """Adds labels that have become known, and returns how many; a later one for the same id counts.

        Args:
            labels: id to 0 or 1.
            scope: what the ids are of: ``image``, ``study`` or ``accession``. A patient has no label for all time.

        Raises:
            PredictionsError: if a label is not 0 or 1.
        """
        _require_scope(scope, SCOPES[:-1])
        wrong = sorted({str(label) for label in labels.values() if label not in (0, 1)})
        if wrong:
            raise PredictionsError(f"Labels hold {wrong[:5]}. Give 0 or 1.")
        rows = [
            (scope, self._pseudonym(identifier), label, _now()) for identifier, label in labels.items() if identifier
        ]
        with self._connected() as connection:
            connection.executemany("INSERT INTO outcomes VALUES (?, ?, ?, ?)", rows)
        return len(rows)

    def _add(self, connection: sqlite3.Connection, answer: Answer, model: str) -> str:
        ids = [self._pseudonym(given) for given in (answer.image, answer.study, answer.accession, answer.patient)]
        known = connection.execute(
            "SELECT probability FROM answers WHERE image = ? AND model = ?", (ids[0], model)
        ).fetchone()
        if known is not None:
            return "known" if known[0] == answer.probability else "different"
        connection.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", (*ids, answer.utc, model, float(answer.probability))
        )
        rows = [("image", ids[0], name, value, answer.utc) for name, value in answer.attributes.items() if value]
        connection.executemany("INSERT OR IGNORE INTO attributes VALUES (?, ?, ?, ?, ?)", rows)
        return "added"

    def _pseudonym(self, identifier: str) -> str:
        return keyed_pseudonym(identifier, self._key) if identifier else ""

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Yields a connection within one transaction, which is kept whole or not at all."""
        with told_errors(self.path):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")


@contextmanager
def told_errors(path: Path) -> Iterator[None]:
    """Turns what may be wrong with a log's file into our errors.

    Raises:
        ConfigurationError: if the file is no log.
        StorageUnreachableError: if it cannot be opened, or another process keeps it.
    """
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
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"'{path}' is no log of answers: {error}. Give another path.") from error


def _require_scope(scope: str, known: tuple[str, ...]) -> None:
    if scope not in known:
        raise ConfigurationError(f"Rows are about {scope!r}. Give one of {', '.join(known)}.")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
