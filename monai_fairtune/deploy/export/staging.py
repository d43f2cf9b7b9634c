"""Writing beside the place where files shall be, so that they are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["staged"]


@contextmanager
def staged(*outputs: Path) -> Iterator[Path]:
    """Gives an empty folder on the disk of ``outputs``, which must not exist; it is gone afterwards.

    Raises:
        ConfigurationError: if something lies there already, or the folder above cannot be written.
    """
    taken = [path.name for path in outputs if path.exists()]
    if taken:
        raise ConfigurationError(f"{taken[0]!r} exists already. Give another --output, or remove it first.")
    above = outputs[0].parent
    try:
        above.mkdir(parents=True, exist_ok=True)
        temporary = TemporaryDirectory(dir=above, prefix=".export-")
    except OSError as error:
        raise ConfigurationError(
            f"The folder '{above}' cannot be written: {error.strerror}. Give another --output."
        ) from error
    with temporary as name:
        yield Path(name)
