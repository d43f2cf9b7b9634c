"""DICOM images in, answers and a structured report out."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from monai_fairtune.deploy.classifier import ImageClassifier
from monai_fairtune.deploy.dicom.image_reader import ImageReader
from monai_fairtune.deploy.dicom.reading import ReadFile
from monai_fairtune.deploy.dicom.refusal import Reason, Refusal
from monai_fairtune.deploy.dicom.rules import ReadingRules
from monai_fairtune.deploy.dicom.structured_report import AnsweredImage, build_report
from monai_fairtune.exceptions import ImageError

__all__ = ["ImageAnswer", "StudyAnswer", "answer_study"]

_BLOCK = 16  # decoded images on disk at once,
_BLOCK_BYTES = 1 << 28  # and their bytes, one image beyond


@dataclass(frozen=True)
class ImageAnswer:
    """What is said of one file: a probability or a refusal.

    Attributes:
        file: that was read.
        read: its header's elements and which frame was looked at: the patient's data.
        probability: of class 1, in [0, 1]; None where it is refused.
        refusal: why there is no probability, or None.
    """

    file: Path = field(repr=False)
    read: ReadFile = field(repr=False)
    probability: float | None
    refusal: Refusal | None

    @property
    def sop_uid(self) -> str:
        """The image's SOP Instance UID; blank where it is not known."""
        return self.read.identity.get("SOPInstanceUID", "")


@dataclass(frozen=True, eq=False)
class StudyAnswer:
    """What is said of the images of one study.

    Attributes:
        report: a pydicom dataset with file meta, ready to be saved or sent; None if no image has an answer.
        answers: one a file, in the order of the files.
    """

    report: Any | None = field(repr=False)
    answers: tuple[ImageAnswer, ...]


def answer_study(files: Sequence[Path], classifier: ImageClassifier, reader: ImageReader | None = None) -> StudyAnswer:
    """Returns what a model says of a study's images. Whatever is wrong with a file is a refusal of that file.

    Files are read by another process within limits; the model is given decoded pixels, and parses nothing of them.

    Args:
        files: DICOM images of one study.
        classifier: the model.
        reader: reads the files; by default one with the model's intended use, for this call.

    Raises:
        RunError: if the process that reads cannot be started.
    """
    ours = nullcontext(reader) if reader is not None else ImageReader(ReadingRules(classifier.intended_use))
    with ours as open_reader:
        headers = _consistent([open_reader.read(file) for file in files])
        answers = tuple(_answers(list(zip(files, headers, strict=True)), classifier, open_reader))
    answered = [
        AnsweredImage(answer.read.identity, answer.read.frame, answer.probability)
        for answer in answers
        if answer.probability is not None
    ]
    if not answered:
        return StudyAnswer(None, answers)
    return StudyAnswer(build_report(answered, classifier, is_complete=len(answered) == len(answers)), answers)


def _consistent(headers: Sequence[ReadFile]) -> list[ReadFile]:
    """Returns the headers, all of them refused where they are of several patients or studies."""
    accepted = [header.identity for header in headers if header.refusal is None]
    if len({_whose(identity) for identity in accepted}) > 1:
        mixed = Refusal(Reason.MIXED_PATIENTS, "The images given as one study are of several studies or patients.")
        return [header if header.refusal else replace(header, refusal=mixed) for header in headers]
    return list(headers)


def _whose(identity: Mapping[str, str]) -> tuple[str, ...]:
    who = ("PatientID", "IssuerOfPatientID") if identity["PatientID"] else ("PatientName",)
    return tuple(identity[keyword].strip() for keyword in ("StudyInstanceUID", *who))


def _answers(
    files: Sequence[tuple[Path, ReadFile]], classifier: ImageClassifier, reader: ImageReader
) -> Iterator[ImageAnswer]:
    seen: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="fairtune-dicom-") as folder:
        block: list[tuple[Path, ReadFile, Path]] = []
        n_bytes = 0
        for number, (file, header) in enumerate(files):
            into = Path(folder) / f"{number}.npy"
            found = _read_pixels(file, header, into, reader, seen)
            block.append((file, found, into))
            n_bytes += into.stat().st_size if found.refusal is None else 0
            if len(block) == _BLOCK or n_bytes > _BLOCK_BYTES:
                yield from _answer_block(block, classifier)
                block, n_bytes = [], 0
        yield from _answer_block(block, classifier)


def _answer_block(block: Sequence[tuple[Path, ReadFile, Path]], classifier: ImageClassifier) -> Iterator[ImageAnswer]:
    usable = [into for _, found, into in block if found.refusal is None]
    answers = dict(zip(usable, _probabilities(usable, classifier), strict=True))
    for file, found, into in block:
        yield _answer(file, found, answers.get(into))
        into.unlink(missing_ok=True)


def _read_pixels(file: Path, header: ReadFile, into: Path, reader: ImageReader, seen: set[str]) -> ReadFile:
    """Writes the pixels of an image that is in no readable file before: a damaged copy hides no whole one."""
    if header.refusal is not None:
        return header
    if header.identity["SOPInstanceUID"] in seen:
        return replace(header, refusal=Refusal(Reason.DUPLICATE, "Another file given holds the same image."))
    found = reader.read(file, into)
    if found.refusal is None and found.identity != header.identity:
        return replace(header, refusal=Refusal(Reason.UNREADABLE, "It changed while it was read."))
    if found.refusal is None:
        seen.add(header.identity["SOPInstanceUID"])
    return found


def _probabilities(pixels: Sequence[Path], classifier: ImageClassifier) -> Sequence[float]:
    """Returns the probability of each image, NaN where the model cannot take it."""
    if not pixels:
        return []
    try:
        return [float(probability) for probability in classifier.probabilities(pixels)]
    except ImageError:
        if len(pixels) == 1:
            return [math.nan]
        return [_probabilities([each], classifier)[0] for each in pixels]


def _answer(file: Path, read: ReadFile, probability: float | None) -> ImageAnswer:
    if probability is None or 0 <= probability <= 1:
        return ImageAnswer(file, read, probability, read.refusal)
    refusal = Refusal(Reason.NO_PROBABILITY, "The model gives no probability for it.")
    return ImageAnswer(file, read, None, refusal)
