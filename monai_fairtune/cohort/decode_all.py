"""Opening many images, in parallel and without stopping at the first bad one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

from monai_fairtune.cohort.hashing import n_threads
from monai_fairtune.exceptions import ImageError

__all__ = ["decode_all", "refuse_unreadable"]

_Image = TypeVar("_Image")
_Result = TypeVar("_Result")
_BLOCK = 256  # images in memory at once


def decode_all(
    images: Sequence[_Image],
    decode: Callable[[_Image], _Result],
    *,
    progress: bool,
    doing: str = "Decoding",
    n_done: int = 0,
    n_workers: int | None = None,
) -> Iterator[_Result | ImageError]:
    """Yields what ``decode`` makes of every image, in order, or why it cannot be read.

    Threads use all cores, since the libraries that decode, resize and compress let other threads run meanwhile.

    Args:
        images: what ``decode`` knows them by.
        decode: called from several threads, none of which starts further threads of PyTorch.
        progress: whether to draw a bar on standard error.
        doing: what the bar says.
        n_done: images besides these that the bar counts as done.
        n_workers: threads; by default one a core.
    """

    def attempt(image: _Image) -> _Result | ImageError:
        try:
            return decode(image)
        except ImageError as error:
            return error

    n = n_done + len(images)
    bar = tqdm(desc=f"{doing} images", total=n, initial=n_done, unit="image", mininterval=0.5, disable=not progress)
    with bar, _one_thread_of_torch(), ThreadPoolExecutor(n_workers or n_threads()) as pool:
        for start in range(0, len(images), _BLOCK):
            for result in pool.map(attempt, images[start : start + _BLOCK]):
                bar.update()
                yield result


@contextmanager
def _one_thread_of_torch() -> Iterator[None]:
    import torch

    n_before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_before)


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
