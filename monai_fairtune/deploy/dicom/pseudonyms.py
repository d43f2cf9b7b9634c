"""What stands for images, studies, patients and files in the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.deploy.dicom.image_reader import ImageReader
from monai_fairtune.deploy.dicom.input_files import find_files
from monai_fairtune.deploy.dicom.rules import ReadingRules
from monai_fairtune.predictions import keyed_pseudonym
from monai_fairtune.predictions.safe_csv import safe_cell

__all__ = ["KEY_COLUMNS", "content_of", "find_pseudonyms", "pseudonyms_of"]

KEY_COLUMNS = ("file", "image", "study", "patient_id")
"""Columns of the tables that hold pseudonyms."""


def pseudonyms_of(identity: Mapping[str, str], content: str, key: bytes) -> dict[str, str]:
    """Returns the cells of ``KEY_COLUMNS``, blank where a file does not say.

    Args:
        identity: a header's elements of ``IDENTITY``; empty if there is no header.
        content: what ``content_of`` says of the file.
        key: of the pseudonyms.
    """
    keywords = ("SOPInstanceUID", "StudyInstanceUID", "PatientID")
    identifiers = [content, *(identity.get(keyword, "").strip() for keyword in keywords)]
    return {
        column: keyed_pseudonym(identifier, key) if identifier else ""
        for column, identifier in zip(KEY_COLUMNS, identifiers, strict=True)
    }


def content_of(path: Path, limit: int) -> str:
    """Returns the SHA-256 of a file's content; for what is too large or cannot be read, its path stands in.

    Args:
        path: of the file.
        limit: bytes that are read, at most.
    """
    with suppress(OSError):
        if path.is_file() and path.stat().st_size <= limit:
            return file_sha256(path)
    return ascii(str(path))


def find_pseudonyms(inputs: Sequence[Path], key: bytes) -> Iterator[tuple[object, ...]]:
    """Yields the rows of a table that undoes the pseudonyms: first the names of its columns, then one row a file.

    Args:
        inputs: files and folders.
        key: that the tables were written with.

    Raises:
        ConfigurationError: if one does not exist, or there is no file.
    """
    yield ("path", *KEY_COLUMNS)
    with ImageReader(ReadingRules()) as reader:
        for path in find_files(inputs):
            cells = pseudonyms_of(reader.read(path).identity, content_of(path, reader.rules.limits.n_bytes), key)
            yield (safe_cell(str(path)), *cells.values())
