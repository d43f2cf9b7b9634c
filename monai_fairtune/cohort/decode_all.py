"""Decoding many images, in parallel and without stopping at the first bad one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from monai_fairtune.cohort.hashing import n_threads
from monai_fairtune.exceptions import ImageError

__all__ = ["decode_all", "refuse_unreadable"]

_Result = TypeVar("_Result")
_BLOCK = 256  # images in memory at once


def decode_all(
    paths: Sequence[Path], decode: Callable[[Path], _Result], *, progress: bool
) -> Iterator[_Result | ImageError]:
    """Yields what ``decode`` makes of every image, in order, or why it cannot be read.

    Args:
        paths: the files.
        decode: called from several threads.
        progress: whether to draw a bar on standard error.
    """

    def attempt(path: Path) -> _Result | ImageError:
        try:
            return decode(path)
        except ImageError as error:
            return error

    bar = tqdm(total=len(paths), desc="Decoding images", unit="image", mininterval=0.5, disable=not progress)
    with bar, ThreadPoolExecutor(n_threads()) as pool:
        for start in range(0, len(paths), _BLOCK):
            for image in pool.map(attempt, paths[start : start + _BLOCK]):
                bar.update()
                yield image


def refuse_unreadable(errors: Sequence[tuple[str, ImageError]], n_images: int) -> None:
    """Refuses a cohort with images that cannot be read; does nothing if there is none.

    Args:
        errors: the images' names as in the manifest, and why each cannot be read.
        n_images: how many images there are in all.

    Raises:
        ImageError: saying how many, naming the first five, and giving the first one's reason.
    """
    if not errors:
        return
    names = ", ".join(repr(name) for name, _ in errors[:5])
    more = f" and {len(errors) - 5} more" if len(errors) > 5 else ""
    raise ImageError(
        f"{len(errors)} of {n_images} images cannot be read: {names}{more}. "
        f"The first, {errors[0][0]!r}: {errors[0][1]} Replace these files, or leave their rows out of the manifest."
    )
