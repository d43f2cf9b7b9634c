"""Every image decoded once, into one memory-mapped file."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.cohort.decode_all import decode_all, refuse_unreadable
from monai_fairtune.cohort.duplicates import refuse_overlap
from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.exceptions import ConfigurationError, ImageError

if TYPE_CHECKING:
    from monai_fairtune.cohort.preprocessing import Preprocessing

__all__ = ["CachedImages", "cache_images"]

_FORMAT = 1
_DECODERS = ("pillow", "pydicom", "pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle",
             "nibabel", "numpy", "torch")  # fmt: skip


@dataclass(frozen=True, eq=False)
class CachedImages:
    """A cohort's images, decoded.

    Args:
        array: shape ``(n, n_channels, image_size, image_size)``, float16 in [0, 1], mapped from disk and read-only;
            in the cohort's order.
        key: what the images are: equal keys, equal bytes.
        path: the file that is mapped.
        preprocessing: the description of what was done to each image.
        decoded: whether this call decoded the images, rather than found them.
    """

    array: NDArray[np.float16]
    key: str
    path: Path
    preprocessing: Mapping[str, Any]
    decoded: bool

    def __len__(self) -> int:
        return len(self.array)


def cache_images(
    cohort: Cohort, preprocessing: Preprocessing, cache_dir: str | Path, *, progress: bool = True
) -> CachedImages:
    """Decodes every image of a cohort, or maps the file in which that was done before.

    The file is found by the contents of all images, the preprocessing and the versions of the libraries that decode;
    it is used only if its own checksum is right, and decoded anew otherwise. It appears under its name when it is
    complete, never before. Several processes may ask at once: one decodes, the others wait.

    Args:
        cohort: whose images.
        preprocessing: what is done to each image.
        cache_dir: a folder, made if it does not exist. Its files hold pixels, and no names.
        progress: whether to draw a bar on standard error while decoding.

    Raises:
        ImageError: if images cannot be read, saying how many and which: nothing is written then.
        SplitError: if one file is in several splits under several names.
        ConfigurationError: if the folder cannot be written, or is full.
    """
    refuse_overlap(cohort)
    key = _key(cohort, preprocessing)
    path = Path(cache_dir) / f"images-{key[:32]}.npy"
    decoded = not _is_intact(path, key)
    if decoded:
        try:
            decoded = _decode_once(cohort, preprocessing, path, key, progress=progress)
        except OSError as error:
            raise ConfigurationError(
                f"The images cannot be kept in '{cache_dir}': {error.strerror}. "
                f"Give a folder that can be written, with {_n_bytes(cohort, preprocessing) / 1e6:.0f} MB of room."
            ) from error
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return CachedImages(array, key, path, preprocessing.to_dict(), decoded)


def _key(cohort: Cohort, preprocessing: Preprocessing) -> str:
    digest = hashlib.sha256(f"{_FORMAT}\n{preprocessing.fingerprint}\n{json.dumps(_versions())}\n".encode())
    for sha256 in cohort.image_sha256:
        digest.update(bytes.fromhex(sha256))
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    found = {}
    for name in _DECODERS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _is_intact(path: Path, key: str) -> bool:
    """Returns whether the file and its description are there and agree."""
    try:
        seal = json.loads(_seal(path).read_text(encoding="utf-8"))
        return bool(
            isinstance(seal, dict)
            and seal.get("key") == key
            and seal.get("size") == path.stat().st_size
            and seal.get("sha256") == file_sha256(path)
        )
    except (OSError, ValueError):
        return False


def _decode_once(cohort: Cohort, preprocessing: Preprocessing, path: Path, key: str, *, progress: bool) -> bool:
    """Decodes unless another process does, and returns whether it did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if _is_intact(path, key):
            return False
        _build(cohort, preprocessing, path, key, progress=progress)
        return True


def _shape(cohort: Cohort, preprocessing: Preprocessing) -> tuple[int, int, int, int]:
    return (cohort.n, preprocessing.n_channels, preprocessing.image_size, preprocessing.image_size)


def _n_bytes(cohort: Cohort, preprocessing: Preprocessing) -> int:
    return 2 * math.prod(_shape(cohort, preprocessing))


def _build(cohort: Cohort, preprocessing: Preprocessing, path: Path, key: str, *, progress: bool) -> None:
    errors: list[tuple[str, ImageError]] = []
    images = decode_all(
        cohort.images, lambda file: preprocessing.decode(file).numpy().astype(np.float16), progress=progress
    )
    with _appearing(path) as stream:
        # Written in order by ordinary writes: a full disk is then an error that can be read, not a lost process.
        header = {"descr": np.dtype("<f2").str, "fortran_order": False, "shape": _shape(cohort, preprocessing)}
        np.lib.format.write_array_header_1_0(stream, header)
        for name, image in zip(cohort.image_names, images, strict=True):
            if isinstance(image, ImageError):
                errors.append((name, image))
            elif not errors:
                stream.write(np.ascontiguousarray(image, dtype="<f2").data)
        refuse_unreadable(errors, cohort.n)
    seal = {"key": key, "size": path.stat().st_size, "sha256": file_sha256(path), "versions": _versions()}
    with _appearing(_seal(path)) as stream:
        stream.write(json.dumps({**seal, "preprocessing": preprocessing.to_dict()}, indent=1).encode())


def _seal(path: Path) -> Path:
    return path.with_suffix(".json")


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """Writes a file that is complete and on disk when it gets its name, and leaves nothing behind if that fails."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
