"""Answering for files and folders of DICOM images, into a folder; killed and started again, it goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_fairtune.deploy.classifier import ImageClassifier
from monai_fairtune.deploy.dicom.answers_folder import AnswersFolder
from monai_fairtune.deploy.dicom.image_reader import ImageReader
from monai_fairtune.deploy.dicom.inference import ImageAnswer, answer_study
from monai_fairtune.deploy.dicom.input_files import find_files
from monai_fairtune.deploy.dicom.pseudonyms import content_of
from monai_fairtune.deploy.dicom.refusal import Reason, Refusal
from monai_fairtune.deploy.dicom.rules import ReadingRules
from monai_fairtune.deploy.in_use import AnswerLog, record_answers
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["RunSummary", "answer_files"]

_SAVE_SECONDS = 30.0


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes:
        n_files: found.
        n_known: of them, how many were answered before, or are copies of another.
        n_answered: of them, how many have a probability now that had none.
        n_reports: written.
        refused: reason to how many files are refused for it.
    """

    n_files: int
    n_known: int
    n_answered: int
    n_reports: int
    refused: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data."""
        return {
            "n_files": self.n_files,
            "n_known": self.n_known,
            "n_answered": self.n_answered,
            "n_refused": sum(self.refused.values()),
            "n_reports": self.n_reports,
            "refused": dict(self.refused),
        }

    def to_text(self) -> str:
        """Returns it for people."""
        kinds = ", ".join(f"{reason} {n}" for reason, n in self.refused.items())
        return (
            f"{self.n_files} files: {self.n_answered} answered in {self.n_reports} reports, {self.n_known} answered "
            f"before, {sum(self.refused.values())} refused{f' ({kinds})' if kinds else ''}."
        )


def answer_files(
    inputs: Sequence[Path],
    output_dir: Path,
    classifier: ImageClassifier,
    *,
    key: bytes,
    rules: ReadingRules | None = None,
    log: AnswerLog | None = None,
    progress: bool = False,
) -> RunSummary:
    """Answers for DICOM images, and writes ``predictions.csv``, ``refused.csv``, ``reports/`` and ``run.json``.

    Images are put together by study. What has a probability is left alone; what was refused is tried again.

    Args:
        inputs: files and folders.
        output_dir: receives everything; may hold earlier answers of the same model.
        classifier: the model.
        key: of the pseudonyms that stand for images, studies, patients and files in the tables.
        rules: what a file must comply with; by default the model's intended use.
        log: receives each answer as it is given, see ``record_answers``.
        progress: whether to draw a bar on standard error.

    Raises:
        ConfigurationError: if there is no file, the folder cannot be written, or highdicom is not installed.
        StudyDriftError: if the folder holds answers of another model, or under other rules or another key.
        StudyLockedError: if another process writes to it.
        DiskFullError: if there is no room; nothing is left half-written.
    """
    if find_spec("highdicom") is None:
        raise ConfigurationError(
            "Reports are made by highdicom, which is not installed. pip install 'monai-fairtune[dicom]'."
        )
    rules = ReadingRules(classifier.intended_use) if rules is None else rules
    files = find_files(inputs, outside=output_dir)
    with AnswersFolder.opened(output_dir, classifier, rules, key) as folder, ImageReader(rules) as reader:
        run = _Run(folder, classifier, reader, log)
        with _bar("Sorting by study", "file", len(files), progress=progress) as bar:
            studies = run.sort(files, bar)
        with _bar("Answering", "image", sum(map(len, studies.values())), progress=progress) as bar:
            for study in studies.values():
                run.answer(study)
                bar.update(len(study))
    n_known = len(files) - run.n_answered - run.refused.total()
    return RunSummary(len(files), n_known, run.n_answered, folder.n_reports, dict(run.refused.most_common()))


def _bar(what: str, unit: str, total: int, *, progress: bool) -> tqdm[Any]:
    return tqdm(total=total, desc=what, unit=unit, mininterval=0.5, disable=not progress)


class _Run:
    def __init__(
        self, folder: AnswersFolder, classifier: ImageClassifier, reader: ImageReader, log: AnswerLog | None
    ) -> None:
        self.folder, self.classifier, self.reader, self.log = folder, classifier, reader, log
        self.n_answered = 0
        self.refused: Counter[str] = Counter()
        self._saved = time.monotonic()

    def sort(self, files: Sequence[Path], bar: tqdm[Any]) -> dict[str, dict[Path, str]]:
        """Returns the files of each study, with the content of each.

        Copies and what was answered before are left out; what is no image of a study is kept as refused. An image
        that is refused for its header stays with its study, whose report it makes a partial one.
        """
        studies: dict[str, dict[Path, str]] = {}
        seen: set[str] = set()
        for path in files:
            content = content_of(path, self.reader.rules.limits.n_bytes)
            if content not in seen and not self.folder.has_answered(content):
                self._sort_in(studies, path, content)
            seen.add(content)
            bar.update()
        return studies

    def answer(self, study: Mapping[Path, str]) -> None:
        """Answers for one study and keeps what was found; its report comes first, so that no row is without one."""
        found = answer_study(list(study), self.classifier, self.reader)
        if self.log is not None:
            record_answers(self.log, found.answers, self.classifier)
        if found.report is not None:
            self.folder.write_report(found.report)
        for answer in found.answers:
            self._keep(answer, study[answer.file])
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            self.folder.save()
            self._saved = time.monotonic()

    def _sort_in(self, studies: dict[str, dict[Path, str]], path: Path, content: str) -> None:
        read = self.reader.read(path)
        refusal, study = read.refusal, read.identity.get("StudyInstanceUID")
        if refusal is None and self.folder.has_answered_image(read.identity["SOPInstanceUID"]):
            refusal = Refusal(Reason.DUPLICATE, "Another file that was answered before holds the same image.")
        if study and (refusal is None or refusal.reason not in (Reason.DUPLICATE, Reason.NO_PIXELS)):
            studies.setdefault(study, {})[path] = content
        else:
            self._keep(ImageAnswer(path, read, None, refusal), content)

    def _keep(self, answer: ImageAnswer, content: str) -> None:
        self.folder.add(answer, content)
        if answer.refusal is None:
            self.n_answered += 1
        else:
            self.refused[answer.refusal.reason.value] += 1
