"""From the names in a manifest to files below the data root."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from monai_fairtune.exceptions import ImageError, ManifestError

__all__ = ["missing_images", "require_images", "resolve_images", "summarize"]


def resolve_images(names: Sequence[str], data_root: str | Path) -> tuple[Path, ...]:
    """Returns the file of each image, links to folders followed; the files need not exist.

    A link to a file keeps its name, whose ending says the format: stores of data give files names of their own.

    Args:
        names: paths as in the manifest, relative to ``data_root``.
        data_root: the folder that holds every image.

    Raises:
        ManifestError: if the folder does not exist, a name leads out of it (by ``..``, an absolute path or a symbolic
            link), or two names are the same path.
    """
    root = os.path.realpath(data_root)
    if not Path(root).is_dir():
        raise ManifestError(f"The data root '{data_root}' is not a folder. Give the folder that the images lie in.")
    unusable = [name for name in names if "\0" in name]
    paths = _follow_folders(root, [name.replace("\0", "") for name in names])
    prefix = os.path.join(root, "")  # noqa: PTH118
    outside = unusable + [name for name, path in zip(names, paths, strict=True) if not _target(path).startswith(prefix)]
    if outside:
        raise ManifestError(
            f"{len(outside)} images lie outside the data root once links are followed: {summarize(outside)}. "
            "Give a data root that holds every image, or copy the images below it, as prepare --resize does."
        )
    first_name = dict(zip(reversed(paths), reversed(names), strict=True))
    again = [name for name, path in zip(names, paths, strict=True) if first_name[path] != name]
    if again:
        raise ManifestError(f"{len(again)} rows name a file that another row names: {summarize(again)}. Keep one row.")
    return tuple(map(Path, paths))


def _follow_folders(root: str, names: Sequence[str]) -> list[str]:
    """Returns each name below ``root``, its folder followed, and that once for all names: disks may be far away."""
    folder_of: dict[str, str] = {}
    paths = []
    for name in names:
        folder, leaf = os.path.split(name)
        if folder not in folder_of:
            folder_of[folder] = os.path.realpath(os.path.join(root, folder))  # noqa: PTH118
        path = os.path.join(folder_of[folder], leaf)  # noqa: PTH118
        paths.append(os.path.realpath(path) if leaf in ("", ".", "..") else path)
    return paths


def _target(path: str) -> str:
    return os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114


def missing_images(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Returns the names whose file does not exist."""
    return [name for name, path in zip(names, paths, strict=True) if not path.is_file()]


def require_images(names: Sequence[str], paths: Sequence[Path]) -> None:
    """Refuses a cohort with missing files.

    Raises:
        ImageError: naming how many are missing, and the first.
    """
    missing = missing_images(names, paths)
    if missing:
        raise ImageError(
            f"{len(missing)} of {len(names)} image files do not exist: {summarize(missing)}. "
            "Give the folder that the manifest's paths start from as data root, or correct the manifest."
        )


def summarize(names: Iterable[str], most: int = 5) -> str:
    """Names the first few: ``'a.png', 'b.png' and 3 more``."""
    listed = list(names)
    shown = ", ".join(map(repr, listed[:most]))
    return shown if len(listed) <= most else f"{shown} and {len(listed) - most} more"
