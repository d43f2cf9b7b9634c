"""Faults that come at a chosen moment of a chosen training, whichever process is at it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from monai_fairtune.predictions import Predictions
from monai_fairtune.testing.function_tuner import FunctionTuner, Job
from tests.search.worlds import planted, world

__all__ = ["Interrupt", "Ledger", "Spot", "calm", "kill_me", "make_tuner", "raising", "take"]

Interrupt = Callable[[Job, int], None]


def calm(job: Job, epoch: int) -> None:
    """Does nothing."""


@dataclass(frozen=True)
class Ledger:
    """Who began which training: a line each, also of those that came to nothing."""

    path: Path

    def note(self, job: Job) -> None:
        """Notes that this process begins a training."""
        with self.path.open("a") as file:
            file.write(f"{job.seed} {os.getpid()}\n")

    @property
    def seeds(self) -> list[int]:
        """The seed of each training that began."""
        return [int(line.split()[0]) for line in self._lines]

    @property
    def processes(self) -> set[int]:
        """All processes that trained."""
        return {int(line.split()[1]) for line in self._lines}

    @property
    def _lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


def make_tuner(
    ledger: Ledger,
    interrupt: Interrupt = calm,
    *,
    seconds: float = 0.0,
    on_test: Callable[[], None] = lambda: None,
) -> Callable[[], FunctionTuner]:
    """Returns what makes a tuner.

    Args:
        ledger: of trainings.
        interrupt: called before each epoch; may be a fault.
        seconds: of an epoch.
        on_test: called whenever the test split is read, in the final assessment only.
    """
    predictions = world(planted)

    def before_epoch(job: Job, epoch: int) -> None:
        if epoch == 1:
            ledger.note(job)
        interrupt(job, epoch)
        time.sleep(seconds)

    def predict(job: Job, epoch: int, split: str) -> Predictions:
        if split == "test":
            on_test()
        return predictions(job, epoch, split)

    return lambda: FunctionTuner(predict, before_epoch)


@dataclass(frozen=True)
class Spot:
    """A moment of one training.

    Args:
        key: of the training's job.
        seed: of the training, by which whoever trains it knows it.
        epoch: before which the fault comes, from 1.
        n_epochs: of the training.
        tokens: a folder that remembers how often the fault came.
    """

    key: str
    seed: int
    epoch: int
    n_epochs: int
    tokens: Path

    def at(self, act: Callable[[], None], times: int = 1) -> Interrupt:
        """Returns what does something here, at most so many times over all processes."""

        def interrupt(job: Job, epoch: int) -> None:
            if (job.seed, epoch) == (self.seed, self.epoch) and take(self.tokens, f"at-{self.seed}", times):
                act()

        return interrupt

    def last(self) -> Spot:
        """Returns the moment before the last epoch, after which results are written."""
        return replace(self, epoch=self.n_epochs)


def take(tokens: Path, name: str, times: int = 1) -> bool:
    """Says whether this is one of the first ``times`` calls, over all processes, with this folder and name."""
    tokens.mkdir(parents=True, exist_ok=True)
    for number in range(times):
        try:
            (tokens / f"{name}-{number}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return True
    return False


def raising(error: BaseException) -> Callable[[], NoReturn]:
    """Returns what raises an error."""

    def act() -> NoReturn:
        raise error

    return act


def kill_me() -> None:
    """Ends this process as a machine that loses power would."""
    os.kill(os.getpid(), signal.SIGKILL)
