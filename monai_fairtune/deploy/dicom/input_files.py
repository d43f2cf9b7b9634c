"""The files of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from monai_fairtune.cohort.readers.files import find_images
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["find_files"]


def find_files(inputs: Sequence[Path], *, outside: Path | None = None) -> list[Path]:
    """Returns the files given and those below the folders given, each once, sorted within a folder.

    Hidden files are left out, links to folders are not followed, and links that lead out of their folder are left out.

    Args:
        inputs: files and folders.
        outside: a folder whose files are not meant, such as that of the outputs.

    Raises:
        ConfigurationError: if one does not exist, or there is no file; it names no path.
    """
    found: dict[Path, None] = {}
    for number, given in enumerate(inputs, start=1):
        if not given.exists():
            raise ConfigurationError(f"Number {number} of the {len(inputs)} files and folders given does not exist.")
        found |= dict.fromkeys([given.resolve()] if not given.is_dir() else _within(given.resolve()))
    if outside is not None:
        found = {path: None for path in found if not path.is_relative_to(outside.resolve())}
    if not found:
        raise ConfigurationError("There is no file in what was given. Give DICOM files or folders that hold some.")
    return list(found)


def _within(folder: Path) -> Iterator[Path]:
    for name in find_images(folder, ("",)):
        path = (folder / name).resolve()
        if path.is_relative_to(folder):
            yield path
