"""The main job: find what to tune, confirm it, and say what it achieves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from monai_fairtune.exceptions import StudyLockedError
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.objectives import Objective
from monai_fairtune.search.board import is_server, storage_url
from monai_fairtune.search.experiment import Experiment
from monai_fairtune.search.files import read_json
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.run import Run, RunOptions
from monai_fairtune.search.running import run_alone, run_as_worker, run_together
from monai_fairtune.search.screened import screening_anchors
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.workers import StartWorker, WorkerRole
from monai_fairtune.tuning import Tuner

__all__ = ["search_masks"]


def search_masks(
    tuner: Tuner | Callable[[], Tuner],
    partition: Partition,
    objective: Objective,
    *,
    anchors: Mapping[str, Mask],
    output_dir: Path,
    further_objectives: Sequence[Objective | Literal["trained_share"]] = (),
    settings: SearchSettings | None = None,
    experiment: Experiment | None = None,
    warm_start: Sequence[Path] = (),
    storage: str | Path | None = None,
    study: str = "monai-fairtune",
    n_workers: int = 1,
    device_type: str = "cpu",
    start_worker: StartWorker | None = None,
    progress: bool = True,
    lease_seconds: float = 600.0,
    n_threads: int | None = None,
) -> dict[str, Any]:
    """Searches the masks of a partition, confirms the best and writes what was found.

    Anchors are trained first; then, with screening, the masks that look best by forward passes alone; then the search
    method proposes masks and learning rates. The best feasible ones are retrained with fresh seeds and compared on the
    selection split; the test split is read once. Interrupted at any point, the same call goes on where it was and ends
    with the same answer. Called again after it has finished, it returns the stored result and reads nothing.

    With several workers, processes run this program's command again; in them, this function trains for the first
    process and then ends the process. With a database server as ``storage``, any number of processes on any machines
    may make the same call with the same ``output_dir`` on a shared file system: they share the work.

    Args:
        tuner: trains under a mask, or makes a tuner when the first training comes.
        partition: whose searchable components are the bits of a mask.
        objective: what to optimise on validation.
        anchors: fixed methods to compare with, by name; the first trials of the study.
        output_dir: receives the files of the contract.
        further_objectives: span a Pareto front with ``objective``, which goes on to decide among finalists.
        settings: budget, seed, learning rates, utility floor.
        experiment: facts about cohort and network for the result and the study's fingerprint.
        warm_start: ``result.json`` of earlier searches, whose finalists are tried first.
        storage: a SQLite path or a database URL; by default ``study.db`` in ``output_dir``.
        study: its name in the storage, which several studies may share.
        n_workers: processes that train; with 1, this one. Above 4, a study that begins looks as many trials ahead.
        device_type: ``"cuda"`` if workers are to be spread over GPUs.
        start_worker: starts a worker process; by default by running this program's command again.
        progress: whether to show a progress bar on standard error.
        lease_seconds: with a database server, how long a worker may not be heard of before its training is given to
            another; longer than the longest interruption of the network.
        n_threads: of a training on processors; by default the cores, divided by ``n_workers``. A study keeps the number
            that it was begun with, since another one changes the last digits of values.

    Returns:
        The content of ``result.json``.

    Raises:
        StudyLockedError: if another process is at this study.
        StudyDriftError: if the study in ``output_dir`` was made with another configuration.
        NoFeasibleTrialError: if no trial reaches the utility floor.
        SearchInterruptedError: if the process was asked to stop by SIGTERM or SIGUSR1.
        RunError: another of its kinds, such as ``DiskFullError``; nothing is lost.
    """
    url = storage_url(storage or output_dir / "study.db")
    run = Run(
        tuner=tuner if callable(tuner) else lambda: tuner,
        partition=partition,
        goals=Goals(objective, tuple(further_objectives)),
        anchors=screening_anchors(anchors, partition) if settings is not None and settings.screening else anchors,
        output_dir=output_dir,
        asked=settings or SearchSettings(),
        experiment=experiment or Experiment(objective.attributes),
        warm_start=tuple(warm_start),
        options=RunOptions(url, study, n_workers, device_type, start_worker, progress, lease_seconds, n_threads),
    )
    role = WorkerRole.of_this_process(output_dir)
    if role is not None:
        sys.exit(run_as_worker(run, role))
    output_dir.mkdir(parents=True, exist_ok=True)
    if is_server(url):
        run_together(run)
    else:
        with _owned(output_dir):
            run_alone(run)
    return dict(read_json(output_dir / "result.json"))


@contextmanager
def _owned(output_dir: Path) -> Iterator[None]:
    lock = FileLock(output_dir / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StudyLockedError(
            "Another process is at the study in this output_dir. Wait for it to end, or choose another output_dir."
        ) from error
    try:
        yield
    finally:
        lock.release()
