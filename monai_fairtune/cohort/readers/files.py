"""The image files of a download."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from monai_fairtune.exceptions import ImageError

__all__ = ["find_images", "linked_folders", "paths_of", "reading"]


def find_images(root: Path, suffixes: tuple[str, ...], below: str = "") -> tuple[str, ...]:
    """Returns the files with one of the endings, as sorted paths relative to ``root``.

    Hidden files and what macOS adds to archives are left out; links to folders are not followed.

    Args:
        root: of the download.
        suffixes: endings in lower case; a file's own may be in capitals.
        below: a folder relative to ``root`` to look in.
    """
    found = []
    for prefix, _, names in _walk(root, below):
        found += [prefix + name for name in names if name.lower().endswith(suffixes) and not name.startswith(".")]
    return tuple(sorted(found))


def linked_folders(root: Path) -> tuple[str, ...]:
    """Returns the links to folders below ``root``, which are not followed, as sorted paths relative to it."""
    found = []
    for prefix, folders, _ in _walk(root):
        found += [prefix + name for name in folders if (root / prefix / name).is_symlink()]
    return tuple(sorted(found))


def _walk(root: Path, below: str = "") -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields what each folder's files begin with, relative to ``root``, and its folders and files."""
    for folder, folders, names in os.walk(root / below):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        where = Path(folder).relative_to(root).as_posix()
        yield "" if where == "." else f"{where}/", folders, names


def paths_of(names: Iterable[str], images: Iterable[str]) -> list[str]:
    """Returns the path of each image that a table names, in whatever folder it lies; of several the first by path.

    Args:
        names: of files; their folders and endings are not compared. One that is not there stays as it is.
        images: what is there, as ``find_images`` returns it.

    Example:
        >>> paths_of(["a.jpg", "c.jpg"], ["part_1/a.jpg", "part_2/a.jpg", "part_2/b.jpg"])
        ['part_1/a.jpg', 'c.jpg']
    """
    path_of: dict[str, str] = {}
    for image in images:
        path_of.setdefault(PurePosixPath(image).stem, image)
    return [path_of.get(PurePosixPath(name).stem, name) for name in names]


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns what libraries raise on damaged files into an error that names the image.

    Raises:
        ImageError: in their place.
    """
    try:
        yield
    except ImageError as error:
        raise ImageError(f"Image '{name}' cannot be used. {error}") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ImageError(
            f"Image '{name}' cannot be read: {type(error).__name__}: {str(error)[:200]}. Download the file again."
        ) from error
