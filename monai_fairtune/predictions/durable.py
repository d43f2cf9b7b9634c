"""Files that are there whole or not at all, and stay there when the power goes."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

__all__ = ["is_disk_full", "write_durably"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write_durably(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Writes a file: under a temporary name, synced, renamed, and the folder synced; makes missing folders.

    Args:
        path: the file.
        content: all of it.
        mode: the file's permissions, before the process's umask.

    Raises:
        OSError: if it cannot be written; nothing of it is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - pathlib opens no descriptors
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def is_disk_full(error: OSError) -> bool:
    """Says whether a file could not be written for want of room."""
    return error.errno in _FULL
