"""The log of answers: a local file under pseudonyms, to which rows are added and in which none is changed."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from monai_fairtune.deploy.classifier import ModelIdentity
from monai_fairtune.deploy.in_use.answer import SCOPES, Answer, require_attribute_names
from monai_fairtune.deploy.in_use.log_file import begin, writing
from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.predictions import keyed_pseudonym

__all__ = ["Added", "AnswerLog", "Recorded"]


@dataclass(frozen=True)
class Added:
    """What became of answers.

    Attributes:
        n_added: new ones.
        n_known: of images that the same model had answered with the same probability; the first answer stays.
        n_different: of images that the same model had answered otherwise; the first answer stays. The model, the
            preparation or the image is not what it was.
        n_other_values: attributes that an image had with another value; the first value stays.
        first_threshold: the operating point that the log keeps of this model, where another one was given.
    """

    n_added: int
    n_known: int
    n_different: int
    n_other_values: int = 0
    first_threshold: float | None = None


@dataclass(frozen=True)
class Recorded:
    """What became of attributes or labels from another table.

    Attributes:
        n_added: values that were not the latest already.
        n_unchanged: values that were.
        n_unmatched: ids that no answer has so far; what is said of them is kept for answers that come later.
    """

    n_added: int
    n_unchanged: int
    n_unmatched: int


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
        begin(self.path)
        with writing(self.path) as connection:
            mark = self._pseudonym("the key itself")
            found = connection.execute("SELECT key FROM about").fetchone()
            if found is None:
                connection.execute("INSERT INTO about VALUES (?)", (mark,))
            elif found[0] != mark:
                raise ConfigurationError(
                    "The log was begun with another key: ids would not find their answers. Give the first key."
                )

    def add(self, answers: Iterable[Answer], model: ModelIdentity, threshold: float) -> Added:
        """Adds answers; an image that the model has answered stays as it is.

        Attributes that come with an answer are added where the image has none of that name.

        Args:
            answers: that were given.
            model: that gave them.
            threshold: its operating point, in [0, 1]; of a model that is known already, the first one stays.

        Raises:
            ConfigurationError: if the model has no SHA-256, or the threshold is none.
        """
        sha256 = _sha256_of(model)
        if not 0 <= threshold <= 1:
            raise ConfigurationError(f"The model's threshold is {threshold}. Give a probability in [0, 1].")
        counts: Counter[str] = Counter()
        with writing(self.path) as connection:
            first = _threshold_of(connection, model, sha256, threshold)
            for answer in answers:
                counts.update(self._add(connection, answer, sha256))
        return Added(
            counts["added"],
            counts["known"],
            counts["different"],
            counts["other value"],
            None if first == threshold else first,
        )

    def add_attributes(self, values: Mapping[str, Mapping[str, str]], scope: str) -> Recorded:
        """Adds attributes from another table; the latest counts.

        Args:
            values: id to name of the attribute to its value; blank values are left out.
            scope: what the ids are of: ``image``, ``study``, ``accession`` or ``patient``.

        Raises:
            PredictionsError: if an attribute is called as a column of an audit of the log is.
        """
        _require_scope(scope, SCOPES)
        for row in values.values():
            require_attribute_names(row)
        return self._record(values, scope)

    def add_outcomes(self, labels: Mapping[str, int], scope: str) -> Recorded:
        """Adds labels that have become known; a later one for the same id counts.

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
        return self._record({identifier: {"label": str(int(label))} for identifier, label in labels.items()}, scope)

    def _record(self, values: Mapping[str, Mapping[str, str]], scope: str) -> Recorded:
        n_added, n_values = 0, 0
        given = {self._pseudonym(identifier): row for identifier, row in values.items() if identifier}
        with writing(self.path) as connection:
            for pseudonym, row in given.items():
                for name, value in row.items():
                    if value:
                        n_values += 1
                        if _latest(connection, scope, pseudonym, name) != value:
                            n_added += 1
                            _tell(connection, scope, pseudonym, name, value)
            answered = {found for (found,) in connection.execute(f"SELECT DISTINCT {scope} FROM answers")}  # noqa: S608
        return Recorded(n_added, n_values - n_added, len(set(given) - answered))

    def _add(self, connection: sqlite3.Connection, answer: Answer, model: str) -> list[str]:
        """Adds one answer, and returns what became of it and of each attribute that the image has otherwise."""
        ids = [self._pseudonym(given) for given in (answer.image, answer.study, answer.accession, answer.patient)]
        found = []
        for name, value in answer.attributes.items():
            last = _latest(connection, "image", ids[0], name)
            if value and last is None:
                _tell(connection, "image", ids[0], name, value)
            elif value and last != value:
                found.append("other value")
        known = connection.execute(
            "SELECT probability FROM answers WHERE image = ? AND model = ?", (ids[0], model)
        ).fetchone()
        if known is not None:
            return [*found, "known" if known[0] == answer.probability else "different"]
        connection.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", (*ids, answer.utc, model, float(answer.probability))
        )
        return [*found, "added"]

    def _pseudonym(self, identifier: str) -> str:
        return keyed_pseudonym(identifier, self._key) if identifier else ""


def _latest(connection: sqlite3.Connection, scope: str, pseudonym: str, name: str) -> str | None:
    """Returns what is recorded of an id."""
    found = connection.execute(
        "SELECT value FROM recorded WHERE scope = ? AND id = ? AND name = ? ORDER BY rowid DESC LIMIT 1",
        (scope, pseudonym, name),
    ).fetchone()
    return None if found is None else str(found[0])


def _tell(connection: sqlite3.Connection, scope: str, pseudonym: str, name: str, value: str) -> None:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    connection.execute("INSERT INTO recorded VALUES (?, ?, ?, ?, ?)", (scope, pseudonym, name, value, now))


def _threshold_of(connection: sqlite3.Connection, model: ModelIdentity, sha256: str, threshold: float) -> float:
    """Returns the threshold that the log keeps of a model, which is added if it is new."""
    found = connection.execute("SELECT threshold FROM models WHERE sha256 = ?", (sha256,)).fetchone()
    if found is not None:
        return float(found[0])
    row = (sha256, model.name, model.version, float(threshold))
    connection.execute("INSERT INTO models VALUES (?, ?, ?, ?)", row)
    return threshold


def _sha256_of(model: ModelIdentity) -> str:
    found = model.sha256.lower()
    if not re.fullmatch(r"[0-9a-f]{64}", found):
        raise ConfigurationError(
            f"The SHA-256 of the model's weights is {model.sha256[:80]!r}. Give its 64 hexadecimal digits, as "
            "sha256sum prints them."
        )
    return found


def _require_scope(scope: str, known: tuple[str, ...]) -> None:
    if scope not in known:
        raise ConfigurationError(f"Rows are about {scope!r}. Give one of {', '.join(known)}.")
