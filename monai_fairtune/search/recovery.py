"""Repairs what faults left behind, where a search would have to wait, or could not go on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from monai_fairtune.exceptions import StudyLockedError
from monai_fairtune.search.board import SqlBoard, connect, is_server, storage_url
from monai_fairtune.search.records import TrialRecords

__all__ = ["Recovery", "recover"]


@dataclass(frozen=True)
class Recovery:
    """What was repaired.

    Args:
        n_results: results on disk that are sound.
        n_damaged: results that were moved aside, so that their trainings are done again.
        n_half_written: files that were being written when a process died, now deleted.
        n_released: leases taken back at once, instead of when they run out.
        n_requeued: jobs that were given up, or ended the search, and wait to be tried again.
    """

    n_results: int
    n_damaged: int
    n_half_written: int
    n_released: int
    n_requeued: int


def recover(
    output_dir: Path, storage: str | Path | None = None, study: str = "monai-fairtune", *, workers: str | None = None
) -> Recovery:
    """Checks every result, deletes half-written files, and makes jobs wait again that nobody works on.

    Args:
        output_dir: of the search.
        storage: as the search was given it.
        study: its name in the storage.
        workers: on a database server, whose leases are taken back: those of workers whose names start so (a name is
            ``host:process``); None takes back none but those that have run out.

    Raises:
        StudyLockedError: if a driver is at the study; it needs no repair while it runs.
    """
    url = storage_url(storage or output_dir / "study.db")
    if is_server(url):
        board = SqlBoard(connect(url), study, patience=30.0)
        n_released, n_requeued = board.take_back(workers), board.requeue()
        return Recovery(*_check_files(output_dir / "trials"), n_released, n_requeued)
    lock = FileLock(output_dir / ".lock")
    try:
        with lock.acquire(timeout=0):
            return Recovery(*_check_files(output_dir / "trials"), 0, 0)
    except Timeout as error:
        raise StudyLockedError(
            "A search is at this study, and repairs what it meets by itself. Stop it first, or let it go on."
        ) from error


def _check_files(folder: Path) -> tuple[int, int, int]:
    half_written = [path for path in folder.rglob(".*") if path.is_file() and path.name.startswith(".result.json.")]
    for path in half_written:
        path.unlink()
    n_before = len(list(folder.rglob("result.json.damaged")))
    n_results = len(TrialRecords(folder).keys)
    return n_results, len(list(folder.rglob("result.json.damaged"))) - n_before, len(half_written)
