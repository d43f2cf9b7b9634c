"""How a search runs: in one process, in several of one machine, or in many around a database."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from monai_fairtune.search.board import Board, MemoryBoard, SqlBoard, connect
from monai_fairtune.search.conductor import Conductor
from monai_fairtune.search.progress import Progress
from monai_fairtune.search.run import Run
from monai_fairtune.search.workers import (
    CommandStarter,
    Slot,
    StopRequest,
    Supervisor,
    Worker,
    WorkerRole,
    die_with_parent,
    leaving_errors,
    local_board,
    n_sharing,
    work_for_driver,
    worker_environment,
    worker_name,
)

__all__ = ["run_alone", "run_as_worker", "run_together"]

_LOCAL_POLL, _SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.05, 2.0


def run_alone(run: Run) -> None:
    """Searches with this process as the only driver."""
    if run.is_finished:
        return
    stop = StopRequest()
    with stop.listening(), _progress(run) as bar:
        if run.options.n_workers == 1:
            _in_process(run, MemoryBoard(), stop, bar)
        else:
            _with_workers(run, stop, bar)


def run_together(run: Run, *, anew: bool = True) -> None:
    """Searches as one of many processes around a database server.

    Args:
        run: the search.
        anew: whether somebody started it, who may have repaired what made jobs end in errors.
    """
    if run.is_finished:
        return
    if anew:
        _server_board(run).requeue()
    stop = StopRequest()
    with stop.listening():
        if run.options.n_workers == 1:
            with _progress(run) as bar:
                _in_process(run, _server_board(run), stop, bar)
        else:
            with Supervisor(_slots(run, None), None) as supervisor:
                while supervisor.check(_n_results(run)) and not stop.wait(_LONGEST_PAUSE):
                    pass
            stop.check()


def run_as_worker(run: Run, role: WorkerRole) -> int:
    """Works for the process that started this one; returns the exit code."""
    run = replace(run, asked=replace(run.asked, n_ahead=role.n_ahead))
    if role.board is not None:
        return work_for_driver(role, local_board(role.board), run.runner(role.n_threads))
    with leaving_errors(Path(role.error_file)):
        die_with_parent(role.driver)
        run_together(replace(run, options=replace(run.options, n_workers=1, progress=False)), anew=False)
    return 0


def _in_process(run: Run, board: Board, stop: StopRequest, bar: Progress) -> None:
    """Plans and works in turns."""
    is_shared = isinstance(board, SqlBoard)
    conductor = Conductor(run.plan(), board, run.study, run.records, bar.show)
    settings = run.settings
    worker = Worker(
        board,
        run.runner(run.n_threads),
        run.output_dir / "trials",
        worker_name(),
        stop,
        renew_every=run.options.lease_seconds / 4 if is_shared else 3600.0,
        stall_timeout=settings.stall_timeout if is_shared else None,
        watch=bar.epoch,
        is_alone=not is_shared,
    )
    pause = _SHORTEST_PAUSE
    while not conductor.step():
        if worker.step():
            pause = _SHORTEST_PAUSE
        elif not conductor.is_over():
            stop.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)  # many that wait should not keep the database busy
    conductor.close()
    run.finish()


def _with_workers(run: Run, stop: StopRequest, bar: Progress) -> None:
    """Plans while other processes work."""
    path = run.output_dir / "board.db"
    _remove_database(path)
    board = local_board(str(path))
    conductor = Conductor(run.plan(), board, run.study, run.records, bar.show)
    conductor.step()
    with Supervisor(_slots(run, path), board) as supervisor:
        while not conductor.step():
            stop.check()
            supervisor.check(len(run.records.keys))
            stop.wait(_LOCAL_POLL)
    conductor.close()
    board.engine.dispose()
    _remove_database(path)
    run.finish()


def _slots(run: Run, board: Path | None) -> list[Slot]:
    options, logs = run.options, run.output_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    start = options.start_worker or CommandStarter()
    slots = []
    for place in range(options.n_workers):
        name = f"{worker_name()}-{place}"
        log, error_file = logs / f"worker-{place}.log", logs / f"worker-{place}.error.json"
        role = WorkerRole(
            name,
            str(run.output_dir.absolute()),
            str(error_file),
            None if board is None else str(board.absolute()),
            run.n_threads,
            run.n_ahead,
            n_sharing(place, options.n_workers, options.device_type),
            os.getpid(),
        )
        environment = worker_environment(place, run.n_threads, options.device_type)
        slots.append(Slot(name, partial(start, role, environment, log), error_file))
    return slots


def _n_results(run: Run) -> int:
    return sum(1 for _ in run.records.folder.rglob("result.json"))


def _server_board(run: Run) -> SqlBoard:
    options = run.options
    return SqlBoard(connect(options.url), options.study, lease_seconds=options.lease_seconds)


def _progress(run: Run) -> Progress:
    settings = run.settings
    return Progress(settings.n_trials + settings.n_finalists * settings.n_seeds, shown=run.options.progress)


def _remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
