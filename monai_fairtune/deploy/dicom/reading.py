"""Reading one file of unknown origin, in a process that may die of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from monai_fairtune.cohort.decoding.decode import foreign_errors
from monai_fairtune.cohort.decoding.dicom import decode_dicom
from monai_fairtune.deploy.dicom.header import check_identity, identity_of, n_frames, parse_header
from monai_fairtune.deploy.dicom.intended_use import check_header, chosen_frame
from monai_fairtune.deploy.dicom.pixel_quality import check_pixels
from monai_fairtune.deploy.dicom.refusal import Reason, Refusal
from monai_fairtune.deploy.dicom.rules import ReadingRules

__all__ = ["ReadFile", "read_file"]


@dataclass(frozen=True)
class ReadFile:
    """What is known of a file once it was read.

    Attributes:
        identity: the header's elements of ``IDENTITY``, blank where absent; empty if there is no header. It holds a
            patient's name: it goes into a report and nowhere else.
        frame: the number of the frame that was read, from 1; None where there is one only.
        refusal: why the model must not see it, or None.
    """

    identity: dict[str, str] = field(default_factory=dict, repr=False)
    frame: int | None = None
    refusal: Refusal | None = None


def read_file(path: Path, pixels: Path | None, rules: ReadingRules) -> ReadFile:
    """Returns what a file's header says, and writes its pixels where asked.

    Errors of the file are refusals; an error that is not expected of any file ends the process.

    Args:
        path: of a file that claims to be DICOM.
        pixels: an NPY file to write, shape ``(H, W)`` or ``(H, W, 3)``, in [0, 1], so that a model needs to parse
            nothing of the file; None to read the header alone.
        rules: what it must comply with.

    Raises:
        OSError: if the pixels cannot be written, which is no fault of the file.
    """
    try:
        refusal = _check_file(path, rules)
        if refusal is not None:
            return ReadFile(refusal=refusal)
        dataset = parse_header(path)
        identity = identity_of(dataset)
    except foreign_errors() as error:
        return ReadFile(refusal=_explain(error, "Its header cannot be read."))
    try:
        refusal = check_header(dataset, rules) or check_identity(identity, dataset)
        frame = chosen_frame(n_frames(dataset), rules.frame)
        image = decode_dicom(path, frame) if refusal is None and pixels is not None else None
        if image is not None:
            refusal = check_pixels(image)
    except foreign_errors() as error:
        return ReadFile(identity, None, _explain(error, "It cannot be decoded."))
    if pixels is not None and image is not None and refusal is None:
        # Channels last, by which a grey image three pixels wide is not taken for a colour image.
        np.save(pixels, image[0] if len(image) == 1 else np.moveaxis(image, 0, -1), allow_pickle=False)
    return ReadFile(identity, frame, refusal)


def _check_file(path: Path, rules: ReadingRules) -> Refusal | None:
    if not path.is_file():
        return Refusal(Reason.UNREADABLE, "It is not a file.")
    n_bytes = path.stat().st_size
    if n_bytes > rules.limits.n_bytes:
        return Refusal(Reason.TOO_LARGE, f"It holds {n_bytes} bytes, more than the {rules.limits.n_bytes} allowed.")
    return None


def _explain(error: Exception, sentence: str) -> Refusal:
    """Returns a refusal of our own words: what a library says quotes values of the file."""
    from pydicom.errors import InvalidDicomError

    if isinstance(error, MemoryError):
        return Refusal(Reason.TOO_LARGE, "To read it takes more memory than is allowed.")
    if isinstance(error, InvalidDicomError):
        return Refusal(Reason.NOT_DICOM, "It is not a DICOM file.")
    return Refusal(Reason.UNREADABLE, f"{sentence} It is damaged, or of a kind that is not supported.")
