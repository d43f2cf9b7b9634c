"""One user's command: a search that a fault is put into, and that is started again as the user would."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import pytest

from monai_fairtune.objectives import WorstGroupAUROC
from monai_fairtune.search import Experiment, SearchSettings, search_masks
from monai_fairtune.search.workers import StartWorker, die_with_parent
from monai_fairtune.testing.forked import ForkedProcess, ForkStarter, fork
from monai_fairtune.tuning import Tuner
from tests.search import worlds
from tests.servers import processes as servers

__all__ = [
    "EIGHT",
    "ONE",
    "SETTINGS",
    "SUPERVISED",
    "TWO",
    "WORKERS",
    "Command",
    "Mode",
    "end",
    "kill",
    "modes",
    "wait_until",
]

SETTINGS = replace(worlds.SETTINGS, n_trials=14, n_startup_trials=5, n_seeds=1)
_PATIENCE = 240.0
"""Seconds for what takes a few on an idle machine: a busy one is no fault of the search."""


@dataclass(frozen=True)
class Mode:
    """How many processes a search has, and around what."""

    name: str
    n_processes: int = 1
    n_workers: int = 1
    on_server: bool = False

    def __str__(self) -> str:
        return self.name


ONE = Mode("one process")
WORKERS = Mode("driver and 2 workers", n_workers=2)
TWO = Mode("2 processes around PostgreSQL", n_processes=2, on_server=True)
SUPERVISED = Mode("2 workers of one command around PostgreSQL", n_workers=2, on_server=True)
EIGHT = Mode("8 processes around PostgreSQL", n_processes=8, on_server=True)


def modes(*each: Any, nightly: Sequence[Any] = (), name: str = "mode") -> pytest.MarkDecorator:
    """Runs a test in several modes; in some of them with ``--nightly`` only.

    Args:
        each: modes, or tuples of a mode and other arguments.
        nightly: likewise.
        name: of the arguments.
    """

    def param(one: Any, marks: list[pytest.MarkDecorator]) -> Any:
        values = one if isinstance(one, tuple) else (one,)
        server = [pytest.mark.server] if values[0].on_server else []
        return pytest.param(*values, marks=[*marks, *server])

    found = [*(param(one, []) for one in each), *(param(one, [pytest.mark.nightly]) for one in nightly)]
    return pytest.mark.parametrize(name.split(", "), found, ids=str)


@dataclass
class Command:
    """A search's command line, as far as a fault is concerned.

    Args:
        mode: how many processes.
        folder: holds what its processes say.
        output_dir: where the search writes.
        make_tuner: of every process.
        settings: of the search.
        storage: by default ``study.db`` in the output folder.
        environment: what to add to ours.
        lease_seconds: on a server.
        start_worker: by default a copy of the driver.
        prepare: called in each process with its place before it searches; None where nothing is to be done.
        experiment: what the search is about.
        started: receives every process, so that a test that fails leaves none behind.
    """

    mode: Mode
    folder: Path
    output_dir: Path
    make_tuner: Callable[[], Tuner]
    settings: SearchSettings = SETTINGS
    storage: str | Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    lease_seconds: float = 600.0
    start_worker: StartWorker | None = None
    prepare: Callable[[int], None] | None = None
    experiment: Experiment = field(default_factory=lambda: Experiment(("age:60",), cohort_hash="c0"))
    started: list[ForkedProcess] = field(default_factory=list)

    def search(self) -> dict[str, Any]:
        """Makes the call in this process; one of its workers makes it again."""
        space = worlds.partition()
        anchors = worlds.anchors(space)
        return search_masks(
            self.make_tuner,
            space,
            WorstGroupAUROC(["age:60"]),
            anchors={name: anchors[name] for name in ("head only", "full", "attention")},
            output_dir=self.output_dir,
            settings=self.settings,
            experiment=self.experiment,
            storage=self.storage,
            n_workers=self.mode.n_workers,
            start_worker=self.start_worker or ForkStarter(self.search),
            progress=False,
            lease_seconds=self.lease_seconds,
        )

    def start(self) -> list[ForkedProcess]:
        """Starts its processes."""
        return [self.start_one(place) for place in range(self.mode.n_processes)]

    def start_one(self, place: int = 0) -> ForkedProcess:
        """Starts one of its processes."""
        parent = os.getpid()
        self.started.append(fork(lambda: self._in_child(place, parent), self.log(place), self.environment))
        return self.started[-1]

    def run(self, seconds: float = _PATIENCE) -> list[int]:
        """Starts its processes and returns how each ended."""
        return end(self.start(), seconds, self.logs)

    def go_on(self, most_starts: int = 8) -> int:
        """Starts it again until every process ends well, as the policy promises; returns how often that took."""
        for n_starts in range(1, most_starts + 1):
            codes = self.run()
            if not any(codes):
                return n_starts
            unexpected = [code for code in codes if code not in (0, 75, -signal.SIGKILL)]
            assert not unexpected, f"ended with {codes}:\n{self.logs()}"
        raise AssertionError(f"not finished after {most_starts} starts:\n{self.logs()}")

    def log(self, place: int = 0) -> Path:
        """Where a process says what it has to say."""
        return self.folder / f"process-{place}.log"

    def logs(self) -> str:
        """The end of what all processes said."""
        paths = [*sorted(self.folder.glob("process-*.log")), *sorted((self.output_dir / "logs").glob("*.log"))]
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2500:]}" for path in paths)

    def _in_child(self, place: int, parent: int) -> None:
        die_with_parent(parent)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        logging.getLogger().handlers.clear()
        if self.prepare is not None:
            self.prepare(place)
        self.search()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Waits until a condition holds; the test fails if that takes too long."""
    servers.wait_until(condition, what, _PATIENCE)


def kill(processes: Sequence[ForkedProcess]) -> None:
    """Kills those that have not ended, also where they are stopped."""
    for process in processes:
        process.send_signal(signal.SIGKILL)
        process.wait()


def end(processes: Sequence[ForkedProcess], seconds: float = _PATIENCE, logs: Callable[[], str] = str) -> list[int]:
    """Waits for processes and returns how each ended; those that do not end are killed, and the test fails."""
    deadline = time.monotonic() + seconds
    try:
        return [process.wait(max(0.0, deadline - time.monotonic())) for process in processes]
    except TimeoutExpired as late:
        kill(processes)
        raise AssertionError(f"not all of {len(processes)} processes ended within {seconds:.0f} s\n{logs()}") from late
