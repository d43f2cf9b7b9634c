"""How a search runs: in one process, in several of one machine, or in many around a database."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from sqlalchemy.engine import URL

from monai_fairtune.exceptions import SearchInterruptedError, StudyDriftError
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.search.board import Board, MemoryBoard, SqlBoard, connect
from monai_fairtune.search.conductor import Conductor
from monai_fairtune.search.experiment import Experiment, fingerprint_hash
from monai_fairtune.search.final import FinalStage
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.methods import method_by_name
from monai_fairtune.search.planner import Planner
from monai_fairtune.search.progress import Progress
from monai_fairtune.search.records import TrialRecords
from monai_fairtune.search.search_plan import SearchPlan
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.space import SearchSpace
from monai_fairtune.search.study import Study
from monai_fairtune.search.warm_start import WarmMask, warm_masks
from monai_fairtune.search.workers import (
    CommandStarter,
    JobRunner,
    Slot,
    StartWorker,
    StopRequest,
    Supervisor,
    Worker,
    WorkerRole,
    default_n_threads,
    die_with_parent,
    leaving_errors,
    local_board,
    work_for_driver,
    worker_environment,
    worker_name,
)
from monai_fairtune.tuning import Tuner

__all__ = ["Run", "RunOptions"]

_LAYOUT = 2
_LOCAL_POLL, _SERVER_POLL = 0.02, 1.0


@dataclass(frozen=True)
class RunOptions:
    """Where a search runs, which has no part in what it finds: see ``search_masks``."""

    url: URL
    study: str
    n_workers: int
    device_type: str
    start_worker: StartWorker | None
    progress: bool
    lease_seconds: float
    n_threads: int | None


@dataclass
class Run:
    """One search, as ``search_masks`` was asked for it."""

    tuner: Callable[[], Tuner]
    partition: Partition
    goals: Goals
    anchors: Mapping[str, Mask]
    output_dir: Path
    settings: SearchSettings
    experiment: Experiment
    warm_start: tuple[Path, ...]
    options: RunOptions

    @cached_property
    def records(self) -> TrialRecords:
        """The finished trainings."""
        return TrialRecords(self.output_dir / "trials")

    @cached_property
    def warm(self) -> list[WarmMask]:
        """Masks of earlier searches that no anchor tries anyway, each once."""
        settings = self.settings
        tried = {equal.key for mask in self.anchors.values() if (equal := self.partition.find_equal(mask)) is not None}
        limit = 1.0 if settings.max_trained_share is None else settings.max_trained_share
        found = []
        for one in (
            mask for path in self.warm_start for mask in warm_masks(path, self.partition, settings.learning_rates)
        ):
            if one.mask.key not in tried and one.mask.trained_share <= limit:
                tried.add(one.mask.key)
                found.append(one)
        return found

    @cached_property
    def fingerprint(self) -> dict[str, object]:
        """What may not change within this study."""
        found = self.experiment.fingerprint(self.settings, self.goals.first, self.partition.name)
        warm = [[one.mask.key, one.learning_rate] for one in self.warm]
        return {
            **found,
            "objectives": list(self.goals.names),
            "directions": list(self.goals.directions),
            "warm_start": warm,
            "layout": _LAYOUT,
        }

    @cached_property
    def study(self) -> Study:
        """The Optuna study, tied to this configuration."""
        found = Study(self.options.url, self.options.study, self.goals.directions)
        found.pin(self.fingerprint)
        found.set_attribute("budget", self._budget)
        return found

    def plan(self) -> SearchPlan:
        """Returns a plan of the search.

        Raises:
            ConfigurationError: if the method cannot search this space.
        """
        settings = self.settings
        space = SearchSpace(self.partition, settings.learning_rates)
        method = method_by_name(settings.method, settings.n_startup_trials, settings.population_size, settings.seed)
        method.check(space, self.goals.directions)
        planner = Planner(space, method, self.goals, self.anchors, settings, self.warm)
        return SearchPlan(planner, lambda: self.study.attribute("test_reads") or 0)

    @cached_property
    def n_threads(self) -> int:
        """Threads of a training on processors, as the study was begun: more or fewer change the last digits."""
        options = self.options
        wanted = options.n_threads or max(1, default_n_threads() // options.n_workers)
        stored = int(self.study.keep("n_threads", wanted))
        if options.n_threads not in (None, stored):
            raise StudyDriftError(
                f"The study was begun with n_threads {stored} and it is now {options.n_threads}, which changes the "
                "last digits of values. Choose another output_dir, or leave n_threads out."
            )
        return stored

    def runner(self, n_threads: int) -> JobRunner:
        """Returns what does the jobs."""
        final = FinalStage(self.plan(), self.experiment, self.output_dir, fingerprint_hash(self.fingerprint))
        return JobRunner(
            self.tuner,
            self.partition,
            self.anchors,
            self.goals,
            self.settings,
            self.output_dir / "trials",
            final.assess,
            n_threads,
        )

    def alone(self) -> None:
        """Searches with this process as the only driver."""
        if self._is_finished():
            return
        stop = StopRequest()
        with stop.listening(), self._progress() as bar:
            if self.options.n_workers == 1:
                self._in_process(MemoryBoard(), stop, bar)
            else:
                self._with_workers(stop, bar)

    def together(self, *, anew: bool = True) -> None:
        """Searches as one of many processes around a database server.

        Args:
            anew: whether somebody started it, who may have repaired what made jobs end in errors.
        """
        if self._is_finished():
            return
        if anew:
            self._server_board().requeue()
        stop = StopRequest()
        with stop.listening():
            if self.options.n_workers == 1:
                with self._progress() as bar:
                    self._in_process(self._server_board(), stop, bar)
            else:
                with Supervisor(self._slots(None), None) as supervisor:
                    while supervisor.check(self._n_results()) and not stop.wait(_SERVER_POLL):
                        pass
                self._check_stop(stop)

    def as_worker(self, role: WorkerRole) -> int:
        """Works for the process that started this one; returns the exit code."""
        if role.board is not None:
            return work_for_driver(role, local_board(role.board), self.runner(role.n_threads))
        with leaving_errors(Path(role.error_file)):
            die_with_parent(role.driver)
            replace(self, options=replace(self.options, n_workers=1, progress=False)).together(anew=False)
        return 0

    def _in_process(self, board: Board, stop: StopRequest, bar: Progress) -> None:
        """Plans and works in turns."""
        is_shared = isinstance(board, SqlBoard)
        conductor = Conductor(self.plan(), board, self.study, self.records, bar.show)
        settings = self.settings
        worker = Worker(
            board,
            self.runner(self.n_threads),
            self.output_dir / "trials",
            worker_name(),
            stop,
            renew_every=self.options.lease_seconds / 4 if is_shared else 3600.0,
            stall_timeout=settings.stall_timeout if is_shared else None,
            watch=bar.epoch,
            is_alone=not is_shared,
        )
        while not conductor.step():
            if not worker.step() and not conductor.is_over():
                stop.wait(_SERVER_POLL)
        self._finish(conductor)

    def _with_workers(self, stop: StopRequest, bar: Progress) -> None:
        """Plans while other processes work."""
        path = self.output_dir / "board.db"
        _remove_database(path)
        board = local_board(str(path))
        conductor = Conductor(self.plan(), board, self.study, self.records, bar.show)
        conductor.step()
        with Supervisor(self._slots(path), board) as supervisor:
            while not conductor.step():
                self._check_stop(stop)
                supervisor.check(len(self.records))
                stop.wait(_LOCAL_POLL)
        board.engine.dispose()
        _remove_database(path)
        self._finish(conductor)

    def _slots(self, board: Path | None) -> list[Slot]:
        options, logs = self.options, self.output_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        start = options.start_worker or CommandStarter()
        slots = []
        for place in range(options.n_workers):
            name = f"{worker_name()}-{place}"
            log, error_file = logs / f"worker-{place}.log", logs / f"worker-{place}.error.json"
            role = WorkerRole(
                name,
                str(self.output_dir.absolute()),
                str(error_file),
                None if board is None else str(board.absolute()),
                self.n_threads,
                os.getpid(),
            )
            environment = worker_environment(place, self.n_threads, options.device_type)
            slots.append(Slot(name, partial(start, role, environment, log), error_file))
        return slots

    def _n_results(self) -> int:
        return sum(1 for _ in self.records.folder.rglob("result.json"))

    def _server_board(self) -> SqlBoard:
        options = self.options
        return SqlBoard(connect(options.url), options.study, lease_seconds=options.lease_seconds)

    def _check_stop(self, stop: StopRequest) -> None:
        if stop.is_set:
            raise SearchInterruptedError(
                f"The search was asked to stop ({stop.reason}). Nothing is lost: the same command goes on."
            )

    @property
    def _budget(self) -> list[int]:
        settings = self.settings
        return [settings.n_trials, settings.n_finalists, settings.n_seeds, settings.n_replicates]

    def _is_finished(self) -> bool:
        return self.study.attribute("finished") == self._budget and (self.output_dir / "result.json").exists()

    def _finish(self, conductor: Conductor) -> None:
        conductor.close()
        self.study.set_attribute("finished", self._budget)

    def _progress(self) -> Progress:
        n_jobs = self.settings.n_trials + self.settings.n_finalists * self.settings.n_seeds
        return Progress(n_jobs, shown=self.options.progress)


def _remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
