"""A folder of answers: two tables under pseudonyms, reports, and which model they are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from monai_fairtune.deploy.classifier import ImageClassifier
from monai_fairtune.deploy.dicom.inference import ImageAnswer
from monai_fairtune.deploy.dicom.pseudonyms import KEY_COLUMNS, pseudonyms_of
from monai_fairtune.deploy.dicom.rules import ReadingRules
from monai_fairtune.deploy.dicom.structured_report import encode_report
from monai_fairtune.exceptions import ConfigurationError, DiskFullError, StudyDriftError, StudyLockedError
from monai_fairtune.predictions import is_disk_full, keyed_pseudonym, read_json, write_durably, write_json
from monai_fairtune.predictions.safe_csv import true_cell, write_csv

__all__ = ["AnswersFolder", "describe_run"]

_PREDICTIONS, _REFUSED, _REPORTS, _RUN = "predictions.csv", "refused.csv", "reports", "run.json"
_PRIVATE = 0o600
_ANSWERED_COLUMNS = (*KEY_COLUMNS, "frame", "class", "score")
_REFUSED_COLUMNS = (*KEY_COLUMNS, "reason", "sentence")

Row = dict[str, Any]


def describe_run(classifier: ImageClassifier, rules: ReadingRules, key: bytes) -> dict[str, Any]:
    """Returns what all answers in a folder have in common, as plain data: the model and how it is applied."""
    model = classifier.identity
    asked = rules.to_dict()
    return {
        "schema": 1,
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "class_names": list(classifier.class_names),
        "threshold": classifier.threshold,
        "intended_use": {
            name: list(value) if isinstance(value, tuple) else value for name, value in asked["use"].items()
        },
        "frame": asked["frame"],
        "key": keyed_pseudonym("the key itself", key),
    }


class AnswersFolder:
    """Where answers are kept; use :meth:`opened`. Tables are written by :meth:`save`, reports at once.

    Args:
        folder: that exists and is ours.
        classifier: the model.
        key: of the pseudonyms.
    """

    def __init__(self, folder: Path, classifier: ImageClassifier, key: bytes) -> None:
        self.folder, self._classifier, self._key = folder, classifier, key
        self._answered = {row["file"]: row for row in _read(folder / _PREDICTIONS)}
        self._images = {row["image"] for row in self._answered.values()}
        self._refused_before = {row["file"]: row for row in _read(folder / _REFUSED)}
        self._refused: dict[str, Row] = {}
        self.n_reports = 0

    @classmethod
    @contextmanager
    def opened(
        cls, folder: Path, classifier: ImageClassifier, rules: ReadingRules, key: bytes
    ) -> Iterator[AnswersFolder]:
        """Yields the folder, made if it is not there; on the way out, whatever happened, the tables are saved.

        Raises:
            ConfigurationError: if it cannot be written.
            StudyDriftError: if it holds answers of another model, intended use, frame or key.
            StudyLockedError: if another process writes to it.
            DiskFullError: if there is no room; nothing is left half-written.
        """
        described = describe_run(classifier, rules, key)
        try:
            (folder / _REPORTS).mkdir(parents=True, exist_ok=True, mode=0o700)
            held = FileLock(folder / ".lock").acquire(timeout=0)
        except Timeout as error:
            raise StudyLockedError("Another process writes to the output folder. Wait for it to end.") from error
        except OSError as error:
            raise ConfigurationError(
                f"The output folder cannot be written: {error.strerror}. Give another --output-dir."
            ) from error
        with held, _full_disk_is_said():
            _require_same(folder / _RUN, described)
            answers = cls(folder, classifier, key)
            try:
                yield answers
            finally:
                answers.save()

    def has_answered(self, content: str) -> bool:
        """Returns whether a file with this content, see ``content_of``, has a probability already."""
        return keyed_pseudonym(content, self._key) in self._answered

    def has_answered_image(self, sop_uid: str) -> bool:
        """Returns whether an image has a probability already, whatever file it was in."""
        return keyed_pseudonym(sop_uid, self._key) in self._images

    def add(self, answer: ImageAnswer, content: str) -> None:
        """Keeps an answer; a later one for the same content replaces it."""
        row: Row = pseudonyms_of(answer.read.identity, content, self._key)
        self._refused.pop(row["file"], None)
        self._refused_before.pop(row["file"], None)
        if answer.refusal is not None:
            about = {"reason": answer.refusal.reason.value, "sentence": answer.refusal.sentence}
            self._refused[row["file"]] = {**row, **about}
        elif answer.probability is not None:
            called = self._classifier.class_names[int(answer.probability >= self._classifier.threshold)]
            self._images.add(row["image"])
            frame = "" if answer.read.frame is None else str(answer.read.frame)
            self._answered[row["file"]] = {**row, "frame": frame, "class": called, "score": answer.probability}

    def write_report(self, report: Any) -> None:
        """Writes a structured report under its own UID; it is there whole or not at all."""
        path = self.folder / _REPORTS / f"{report.SOPInstanceUID}.dcm"
        write_durably(path, encode_report(report), mode=_PRIVATE)
        self.n_reports += 1

    def save(self) -> None:
        """Writes both tables. What was refused earlier and whose image has an answer by now is left out."""
        before = [row for row in self._refused_before.values() if row["image"] not in self._images]
        for name, columns, rows in (
            (_PREDICTIONS, _ANSWERED_COLUMNS, [*self._answered.values()]),
            (_REFUSED, _REFUSED_COLUMNS, [*before, *self._refused.values()]),
        ):
            ordered = sorted(rows, key=lambda row: (row["study"], row["image"], row["file"]))
            write_csv(self.folder / name, pd.DataFrame(ordered, columns=list(columns)), mode=_PRIVATE)


@contextmanager
def _full_disk_is_said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError(
            "The answers could not be written: a disk is full. Nothing is lost: make room and start the same command "
            "again."
        ) from error


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows = [{str(name): true_cell(cell) for name, cell in row.items()} for row in table.to_dict("records")]
    return [{**row, "score": float(row["score"])} if "score" in row else row for row in rows]


def _require_same(path: Path, described: Mapping[str, Any]) -> None:
    if not path.exists():
        write_json(path, described)
        return
    found = read_json(path)
    different = sorted(name for name in {*found, *described} if found.get(name) != described.get(name))
    if different:
        raise StudyDriftError(
            f"The output folder holds answers that differ in {', '.join(different)}. Give another --output-dir, or "
            "the model, options and key that these answers were given with."
        )
