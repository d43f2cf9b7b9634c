"""Answers for DICOM images go into the log as they are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from monai_fairtune.deploy.classifier import ImageClassifier
from monai_fairtune.deploy.in_use.answer import Answer
from monai_fairtune.deploy.in_use.attributes import header_attributes
from monai_fairtune.deploy.in_use.log import Added, AnswerLog

if TYPE_CHECKING:
    from monai_fairtune.deploy.dicom import ImageAnswer, StudyAnswer
    from monai_fairtune.deploy.node import StudyAnswerer

__all__ = ["logged", "record_answers"]


def record_answers(
    log: AnswerLog, answers: Iterable[ImageAnswer], classifier: ImageClassifier, time: datetime | None = None
) -> Added:
    """Adds what a model said of DICOM images to the log, with sex and age as their headers record them.

    Refused images are left out. Attributes are taken from headers when the probabilities are there already: no
    classifier is given one. An image without a PatientID counts as a patient with the other images of its study.

    Args:
        log: to add to.
        answers: of ``answer_study``.
        classifier: that gave them.
        time: with a zone; by default now.
    """
    at = datetime.now(timezone.utc) if time is None else time
    return log.add(_given(answers, at), classifier.identity, classifier.threshold)


def logged(answer: StudyAnswerer, log: AnswerLog) -> StudyAnswerer:
    """Returns what answers a study as ``answer`` does and logs it; no answer is returned that is not in the log."""

    def answer_and_log(files: Sequence[Path], classifier: ImageClassifier) -> StudyAnswer:
        found = answer(files, classifier)
        record_answers(log, found.answers, classifier)
        return found

    return answer_and_log


def _given(answers: Iterable[ImageAnswer], time: datetime) -> Iterator[Answer]:
    for each in answers:
        header = each.read.identity
        if each.probability is not None:
            yield Answer(
                image=each.sop_uid,
                patient=header.get("PatientID", "").strip() or header["StudyInstanceUID"],
                probability=each.probability,
                time=time,
                study=header["StudyInstanceUID"],
                accession=header.get("AccessionNumber", "").strip(),
                attributes=header_attributes(header),
            )
