"""Hashes of files, by which contents are told apart."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["file_sha256", "files_sha256", "n_threads"]

_CHUNK = 1 << 20
_BLOCK = 256  # files: to hand over a small file by itself takes longer than to read it


def file_sha256(path: str | Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: if the file cannot be read.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def files_sha256(paths: Sequence[Path]) -> tuple[str, ...]:
    """Returns the SHA-256 of every file, in order; reading overlaps, which matters on network disks."""

    def block_sha256(start: int) -> list[str]:
        return [file_sha256(path) for path in paths[start : start + _BLOCK]]

    with ThreadPoolExecutor(n_threads()) as pool:
        blocks = pool.map(block_sha256, range(0, len(paths), _BLOCK))
        return tuple(sha256 for block in blocks for sha256 in block)


def n_threads() -> int:
    """How many threads to read and decode with: the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
