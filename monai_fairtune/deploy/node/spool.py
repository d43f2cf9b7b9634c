"""The folder of a node: images until their reports are delivered, and the reports."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from monai_fairtune.cohort.own_data.pseudonyms import KEY_FILE, read_key
from monai_fairtune.deploy.node.queue import Part, StudyQueue
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.predictions import keyed_pseudonym, write_durably

__all__ = ["Spool"]


class Spool:
    """The files of one node. Their names are pseudonyms: a peer can neither choose nor guess them.

    Args:
        folder: made if it is missing; for its owner alone.

    Raises:
        ConfigurationError: if another process uses the folder, or it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            for path in (folder, folder / "images", folder / "reports"):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._key = read_key(folder / KEY_FILE)
            self._lock = FileLock(folder / "lock")
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigurationError(
                "Another process uses this spool folder. Stop it, or give this node a folder of its own."
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"The spool folder cannot be used: {error.strerror}. Give one that this user may write."
            ) from error

    @property
    def queue_path(self) -> Path:
        """The file of the queue."""
        return self._folder / "queue.db"

    @property
    def free_bytes(self) -> int:
        """What is free on the disk."""
        return shutil.disk_usage(self._folder).free

    def close(self) -> None:
        """Lets another process use the folder."""
        self._lock.release()

    def pseudonym(self, uid: str) -> str:
        """Returns what a UID is called in the queue, in file names and in logs; the key stays in the folder."""
        return keyed_pseudonym(uid, self._key)

    def image_path(self, image: str) -> Path:
        """Returns the file of an image."""
        return self._folder / "images" / f"{image}.dcm"

    def report_path(self, study: str, number: int) -> Path:
        """Returns the file of the report on a part."""
        return self._folder / "reports" / f"{study}-{number}.dcm"

    def write_image(self, image: str, content: bytes) -> None:
        """Writes an image; it is on disk when this returns."""
        write_durably(self.image_path(image), content)

    def write_report(self, part: Part, content: bytes) -> None:
        """Writes the report on a part; it is on disk when this returns."""
        write_durably(self.report_path(part.study, part.number), content)

    def remove(self, part: Part) -> None:
        """Removes a part's images and report."""
        for image in part.images:
            self.image_path(image).unlink(missing_ok=True)
        self.report_path(part.study, part.number).unlink(missing_ok=True)

    @contextmanager
    def temporary_files(self) -> Iterator[None]:
        """Keeps this process's temporary files, such as decoded images, here, where the next start clears them."""
        folder, before = self._folder / "temporary", tempfile.tempdir
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before
            shutil.rmtree(folder, ignore_errors=True)

    def remove_strangers(self, queue: StudyQueue) -> int:
        """Removes files that no part of the queue has: of images never confirmed to their sender; returns how many."""
        images, parts = queue.kept()
        wanted = {self.image_path(image) for image in images} | {self.report_path(*part) for part in parts}
        strangers = [path for name in ("images", "reports") for path in (self._folder / name).iterdir()]
        strangers = [path for path in strangers if path not in wanted]
        for path in strangers:
            path.unlink()
        return len(strangers)
