"""How far a search is, for whoever watches it from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from sqlalchemy.engine import URL

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.board import Board, Entry, SqlBoard, connect, is_server, storage_url
from monai_fairtune.search.board.database import engine_arguments, persist
from monai_fairtune.search.progress import describe
from monai_fairtune.search.records import TrialRecord, TrialRecords
from monai_fairtune.search.workers import local_board

__all__ = ["RunningJob", "SearchStatus", "read_status"]


@dataclass(frozen=True)
class RunningJob:
    """A job that a worker holds: what it is at, who it is, and until when it may be silent."""

    doing: str
    worker: str
    lease_seconds: float


@dataclass(frozen=True)
class SearchStatus:
    """A search as it stands. Nothing in it is about patients.

    Args:
        is_finished: whether the result is there.
        n_trials: how many trials there may be.
        trials: finished trials by state.
        n_retrainings: of finalists, finished.
        n_jobs: all trainings there may be.
        n_waiting: jobs that wait for a worker.
        running: jobs that workers hold.
        faults: of attempts that are not over, by kind.
        best: the best value of each objective among complete trials, whether or not they reach the utility floor.
        seconds_per_training: on average so far.
        seconds_left: at the present number of workers; None where nothing can be said.
    """

    is_finished: bool
    n_trials: int
    trials: Mapping[str, int]
    n_retrainings: int
    n_jobs: int
    n_waiting: int
    running: tuple[RunningJob, ...]
    faults: Mapping[str, int]
    best: Mapping[str, float]
    seconds_per_training: float | None
    seconds_left: float | None

    def to_dict(self) -> dict[str, Any]:
        """Returns the status as plain JSON."""
        return asdict(self)


def read_status(
    output_dir: Path, storage: str | Path | None = None, study: str = "monai-fairtune", *, patience: float = 30.0
) -> SearchStatus:
    """Returns how far a search is; changes nothing.

    Args:
        output_dir: of the search.
        storage: as the search was given it; by default ``study.db`` in ``output_dir``.
        study: its name in the storage.
        patience: seconds that a database server may stay away.

    Raises:
        ConfigurationError: if there is no such study.
        StorageUnreachableError: if the database server stays away for longer.
    """
    url = storage_url(storage or output_dir / "study.db")
    attributes = persist(lambda: _attributes(url, study), patience=patience, what="reading the study")
    board = _board(output_dir, url, study, patience)
    entries = [] if board is None else board.entries()
    records = TrialRecords(output_dir / "trials")
    if board is not None:
        for key, result in board.results(records.keys).items():
            if not key.startswith("final/"):
                records.add(key, TrialRecord.from_dict(result))
    return _summarise(records, entries, attributes, (output_dir / "result.json").exists())


def _board(output_dir: Path, url: URL, study: str, patience: float) -> Board | None:
    """Returns the board of a search, or None where no driver with workers has left one."""
    if is_server(url):
        return SqlBoard(connect(url), study, patience=patience)
    path = output_dir / "board.db"
    return local_board(str(path)) if path.exists() else None


def _attributes(url: URL, study: str) -> dict[str, Any]:
    if not is_server(url) and not Path(str(url.database)).exists():
        raise ConfigurationError(
            "There is no study here. Give the search's --output-dir, and its --storage if it had one."
        )
    storage = RDBStorage(url.render_as_string(hide_password=False), engine_kwargs=engine_arguments(url))
    try:
        with closing(storage.scoped_session):
            found = optuna.load_study(study_name=study, storage=storage)
            return dict(found.user_attrs)
    except KeyError as error:
        raise ConfigurationError(
            f"There is no study {study!r} in this storage. Give the search's --study and --storage."
        ) from error


def _summarise(
    records: TrialRecords, entries: list[Entry], attributes: Mapping[str, Any], has_result: bool
) -> SearchStatus:
    n_trials, n_finalists, n_seeds, _ = attributes.get("budget", [0, 0, 0, 0])
    configuration = attributes.get("configuration", {})
    found = [record for record in map(records.find, sorted(records.keys)) if record is not None]
    seconds = [record.seconds for record in found]
    running = [entry for entry in entries if entry.state == "leased"]
    n_jobs = n_trials + n_finalists * n_seeds
    mean = sum(seconds) / len(seconds) if seconds else None
    is_finished = has_result and attributes.get("finished") == attributes.get("budget")
    left = None
    if not is_finished and mean is not None and running:
        left = max(0, n_jobs - len(found)) * mean / len(running)
    return SearchStatus(
        is_finished=is_finished,
        n_trials=n_trials,
        trials=dict(Counter(record.state for record in records.all)),
        n_retrainings=len(found) - len(records),
        n_jobs=n_jobs,
        n_waiting=sum(entry.state == "queued" for entry in entries),
        running=tuple(
            RunningJob(describe(entry.job, entry.progress), str(entry.worker), float(entry.lease_seconds or 0.0))
            for entry in running
        ),
        faults=dict(Counter(fault for entry in entries for fault in entry.faults)),
        best=_best(records, configuration.get("objectives", []), configuration.get("directions", [])),
        seconds_per_training=mean,
        seconds_left=left,
    )


def _best(records: TrialRecords, names: list[str], directions: list[str]) -> dict[str, float]:
    columns = zip(*(record.values for record in records.complete), strict=True)
    return {
        name: (max if direction == "maximize" else min)(values)
        for name, direction, values in zip(names, directions, columns, strict=False)
    }
