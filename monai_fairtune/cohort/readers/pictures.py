"""Writing images anew: resized, or cut out of files that hold more than one picture."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.decode_all import decode_all
from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.decoding.scaling import scale_by_type, to_channel_first
from monai_fairtune.cohort.readers.png import encode_png
from monai_fairtune.cohort.readers.reader import Picture
from monai_fairtune.exceptions import ImageError, ManifestError

__all__ = ["PictureWriter", "write_pictures"]

_UNIT, _PER_SECOND = 1000, 1_000_000  # us: file systems may keep no finer time


@dataclass(frozen=True)
class PictureWriter:
    """Writes one image of a download to a folder; a file is there whole or not at all.

    Its time of change is a stamp of the file that it was made of and of how: so it is known to be of these, and whole.

    Args:
        root: of the download.
        folder: receives the images.
        picture: as ``FoundCohort.picture``.
        size: side of the resized image in pixels, written as PNG of 8 bits; None for the pixels as they are, as NPY.
        container: as ``FoundCohort.container``.
        choices: whatever else changes pixels: the reader and its options.
    """

    root: Path
    folder: Path
    picture: Picture | None
    size: int | None
    container: str | None = None
    choices: Mapping[str, object] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Returns where an image is written."""
        return self.folder / PurePosixPath(name).with_suffix(".npy" if self.size is None else ".png")

    def has_written(self) -> bool:
        """Returns whether the folder holds any image, of this call or an earlier one."""
        return any(path.suffix in (".npy", ".png") for path in self.folder.rglob("*"))

    def is_written(self, name: str) -> bool:
        """Returns whether an image was written, of its file as it is now; an empty one is left by a loss of power."""
        try:
            written = self.path(name).stat()
        except OSError:
            return False
        return written.st_size > 0 and written.st_mtime_ns // _UNIT == self._stamp(name)

    def __call__(self, name: str) -> None:
        """Writes an image.

        Raises:
            ImageError: if it cannot be read.
        """
        path = self.path(name)
        unfinished = path.with_name(f"{path.name}.part")
        stamp = self._stamp(name)
        pixels = self._pixels(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            if self.size is None:
                np.save(file, pixels, allow_pickle=False)
            else:
                file.write(encode_png(pixels))
        if stamp is not None:
            with suppress(OSError):  # where that is refused, the image is whole and a later call writes it again
                os.utime(unfinished, ns=(stamp * _UNIT, stamp * _UNIT))
        unfinished.replace(path)

    def _stamp(self, name: str) -> int | None:
        """Returns the time of an image's file, its fraction of a second replaced by a sum over what makes the pixels.

        Archives give all their files one time. None where the file is not known.
        """
        path = self.root / (self.container or name)
        try:
            source = path.stat()
        except OSError:
            return None
        file = (os.path.realpath(path), source.st_mtime_ns, source.st_size)
        total = zlib.crc32(repr((file, name, self.size, self.choices)).encode())
        return int(source.st_mtime) * _PER_SECOND + total % _PER_SECOND

    def _pixels(self, name: str) -> NDArray[Any]:
        if self.picture is None:
            image = decode_image(self.root / name)
            return image if self.size is None else _resized(image, self.size)
        stored = self.picture(self.root, name)
        return stored if self.size is None else _resized(to_channel_first(scale_by_type(stored)), self.size)


def write_pictures(
    writer: PictureWriter, names: Sequence[str], *, n_workers: int, progress: bool
) -> dict[str, ImageError]:
    """Writes the images that are not written yet, or whose file has changed.

    Args:
        writer: writes one.
        names: of all images.
        n_workers: threads.
        progress: whether to draw a bar on standard error.

    Returns:
        The images that cannot be read, and why.

    Raises:
        ManifestError: if two images would be written to one file.
    """
    _refuse_collisions(writer, names)
    waiting = [name for name in names if not writer.is_written(name)]
    n_done = len(names) - len(waiting)
    outcomes = decode_all(waiting, writer, progress=progress, doing="Writing", n_done=n_done, n_workers=n_workers)
    return {name: error for name, error in zip(waiting, outcomes, strict=True) if error is not None}


def _refuse_collisions(writer: PictureWriter, names: Sequence[str]) -> None:
    first: dict[Path, str] = {}
    for name in names:
        other = first.setdefault(writer.path(name), name)
        if other != name:
            raise ManifestError(
                f"The images {other!r} and {name!r} differ in their ending only and would be written to one file. "
                "Leave --resize out, or give one of them another name in a copy of the download."
            )


def _resized(image: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Returns what a network of that input size would be given, in 8 bits: ``(H, W)`` or ``(H, W, 3)``."""
    import torch

    from monai_fairtune.cohort.transforms import AntialiasedResized

    square = AntialiasedResized("image", size)({"image": torch.from_numpy(image)})["image"]
    planes = square.mul_(255).round_().numpy().astype(np.uint8)
    return planes[0] if len(planes) == 1 else np.stack(planes, axis=-1)
