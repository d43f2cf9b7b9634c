"""Writing images anew: resized, or cut out of files that hold more than one picture."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.decoding.scaling import scale_by_type, to_channel_first
from monai_fairtune.cohort.readers.reader import Picture
from monai_fairtune.exceptions import ImageError, ManifestError, RunError

__all__ = ["PictureWriter", "write_pictures"]

_PER_PROCESS = 64  # images that take less long than a process takes to start
_CHUNK = 8


@dataclass(frozen=True)
class PictureWriter:
    """Writes one image of a download to a folder; a file is there whole or not at all.

    Args:
        root: of the download.
        folder: receives the images.
        picture: as ``FoundCohort.picture``.
        size: side of the resized image in pixels, written as PNG of 8 bits; None for the pixels as they are, as NPY.
    """

    root: Path
    folder: Path
    picture: Picture | None
    size: int | None

    def path(self, name: str) -> Path:
        """Returns where an image is written."""
        return self.folder / PurePosixPath(name).with_suffix(".npy" if self.size is None else ".png")

    def is_written(self, name: str) -> bool:
        """Returns whether an image was written before; an empty file is what a loss of power leaves."""
        path = self.path(name)
        return path.is_file() and path.stat().st_size > 0

    def __call__(self, name: str) -> ImageError | None:
        """Writes an image, or returns why it cannot be read."""
        path = self.path(name)
        unfinished = path.with_name(f"{path.name}.part")
        try:
            pixels = self._pixels(name)
        except ImageError as error:
            return error
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            _save(pixels, file, as_picture=self.size is not None)
        unfinished.replace(path)
        return None

    def _pixels(self, name: str) -> NDArray[Any]:
        if self.picture is None:
            image = decode_image(self.root / name)
            return image if self.size is None else _resized(image, self.size)
        stored = self.picture(self.root, name)
        return stored if self.size is None else _resized(to_channel_first(scale_by_type(stored)), self.size)


def write_pictures(
    writer: PictureWriter, names: Sequence[str], *, n_workers: int, progress: bool
) -> dict[str, ImageError]:
    """Writes the images that are not written yet, in several processes.

    Args:
        writer: writes one.
        names: of all images.
        n_workers: processes; few images are written by this one alone.
        progress: whether to draw a bar on standard error.

    Returns:
        The images that cannot be read, and why.

    Raises:
        ManifestError: if two images would be written to one file.
        RunError: if a process dies.
    """
    _refuse_collisions(writer, names)
    waiting = [name for name in names if not writer.is_written(name)]
    errors: dict[str, ImageError] = {}
    bar = tqdm(desc="Writing images", total=len(names), unit="image", mininterval=0.5, disable=not progress)
    bar.update(len(names) - len(waiting))
    with bar, closing(_outcomes(writer, waiting, min(n_workers, len(waiting) // _PER_PROCESS))) as outcomes:
        for name, error in zip(waiting, outcomes, strict=True):
            bar.update()
            if error is not None:
                errors[name] = error
    return errors


def _outcomes(writer: PictureWriter, names: Sequence[str], n_workers: int) -> Generator[ImageError | None]:
    if n_workers < 2:
        yield from map(writer, names)
        return
    with ProcessPoolExecutor(n_workers, _context(), initializer=_start_worker) as pool:
        try:
            yield from pool.map(writer, names, chunksize=_CHUNK)
        except BrokenProcessPool as error:
            raise RunError(
                f"One of {n_workers} processes that write images died, maybe for lack of memory. "
                "The same command goes on where it stopped; --n-workers 1 needs the least memory."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """Returns how to start processes: not as copies of this one, which would lack the threads of its libraries."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "monai_fairtune.cohort.transforms"])  # loaded once for all
    return context


def _start_worker() -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)


def _end_with_parent() -> None:
    """Ends this process when the one that wants its work was killed: it would wait for more for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


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
    pixels: NDArray[np.uint8] = (square * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def _save(pixels: NDArray[Any], file: BinaryIO, *, as_picture: bool) -> None:
    from PIL import Image

    if as_picture:
        # Run lengths after PNG's filters: smaller than the default for photographs, and three times as fast.
        Image.fromarray(pixels).save(file, format="PNG", compress_type=zlib.Z_RLE)
    else:
        np.save(file, pixels, allow_pickle=False)
