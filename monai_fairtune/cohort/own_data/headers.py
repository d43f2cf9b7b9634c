"""Headers of DICOM files: the few elements that a cohort needs, and no pixels."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_fairtune.cohort.decoding.decode import foreign_errors
from monai_fairtune.cohort.hashing import n_threads

__all__ = ["ELEMENTS", "NoImage", "read_headers"]

ELEMENTS = (
    "PatientID", "AccessionNumber", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality",
    "ViewPosition", "PatientSex", "PatientAge", "PatientBirthDate", "StudyDate", "Manufacturer",
    "ManufacturerModelName", "StationName", "InstitutionName",
)  # fmt: skip
"""Keywords of what is read; of everything else in a header nothing is kept."""

_PARSED = ["SpecificCharacterSet", "Rows", "NumberOfFrames", *ELEMENTS]
_DIRECTORY = "1.2.840.10008.1.3.10"
_START = 132
_FIRST_ELEMENT = re.compile(rb"[\x02\x08]\x00[\x00-\x20]\x00(?:[A-Z]{2}|..\x00\x00)", re.DOTALL)
_BLOCK = 64  # files: to hand over one by itself takes longer than to read it


class NoImage(Enum):
    """Why a file is no image that can be classified."""

    OTHER = "not an image file"
    EMPTY = "an empty file"
    NO_PREAMBLE = "a DICOM file without its preamble"
    DIRECTORY = "a DICOM directory"
    NO_PIXELS = "a DICOM object without pixels"
    FRAMES = "a DICOM image of several frames"
    DAMAGED = "a DICOM file that cannot be read"


def read_headers(paths: Sequence[Path], *, progress: bool) -> list[dict[str, str] | NoImage]:
    """Returns each file's elements as text, blank where absent, or why it is no image.

    Args:
        paths: files, whatever their names.
        progress: whether to draw a bar on standard error.
    """
    blocks = [paths[start : start + _BLOCK] for start in range(0, len(paths), _BLOCK)]
    bar = tqdm(total=len(paths), desc="Reading headers", unit="file", mininterval=0.5, disable=not progress)
    found: list[dict[str, str] | NoImage] = []
    with bar, _silence(), ThreadPoolExecutor(n_threads()) as pool:
        for headers in pool.map(lambda block: [_read_header(path) for path in block], blocks):
            found += headers
            bar.update(len(headers))
    return found


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps pydicom from warning and logging: it quotes values and names files, and those are patients' data."""
    from pydicom.config import logger

    was_disabled = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = was_disabled


def _read_header(path: Path) -> dict[str, str] | NoImage:
    from pydicom import dcmread

    try:
        with path.open("rb") as file:
            start = file.read(_START)
            if start[-4:] != b"DICM":
                return _no_dicom(start)
            file.seek(0)
            dataset = dcmread(file, stop_before_pixels=True, specific_tags=_PARSED)
        if dataset.file_meta.get("MediaStorageSOPClassUID") == _DIRECTORY:
            return NoImage.DIRECTORY
        if not dataset.get("Rows"):
            return NoImage.NO_PIXELS
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            return NoImage.FRAMES
        return {keyword: _text(dataset.get(keyword)) for keyword in ELEMENTS}
    except foreign_errors():
        return NoImage.DAMAGED


def _no_dicom(start: bytes) -> NoImage:
    if not start:
        return NoImage.EMPTY
    return NoImage.NO_PREAMBLE if _FIRST_ELEMENT.match(start) else NoImage.OTHER


def _text(value: Any) -> str:
    if value is None:
        return ""
    several = not isinstance(value, str) and hasattr(value, "__iter__")
    return ("\\".join(map(str, value)) if several else str(value)).strip()
