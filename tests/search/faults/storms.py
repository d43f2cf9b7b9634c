"""Kills at random, from outside, until a search is finished nevertheless."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.search.faults.commands import Command, end
from tests.search.faults.injections import Ledger

__all__ = ["is_alive", "storm"]


def storm(command: Command, seed: int, n_kills: int, number: int = signal.SIGKILL, pause: float = 0.8) -> int:
    """Runs a search, kills any of its processes again and again, starts those that ended, and lets it end.

    Args:
        command: its ledger lies in its folder.
        seed: of times and victims.
        n_kills: how many at most.
        number: of the signal.
        pause: the longest time between two, in seconds.

    Returns:
        How many processes were killed before the search was finished.
    """
    rng, n_killed = Random(seed), 0  # noqa: S311 - no secret
    processes = command.start()
    for _ in range(n_kills):
        time.sleep(rng.uniform(0.0, pause))
        for place, process in enumerate(processes):
            if process.poll() not in (None, 0):
                processes[place] = command.start_one(place)
        running = [process.pid for process in processes if process.poll() is None]
        workers = [pid for pid in sorted(Ledger(command.folder / "ledger").processes - set(running)) if is_alive(pid)]
        if not running:
            break
        with suppress(ProcessLookupError):
            os.kill(rng.choice([*running, *workers]), number)
            n_killed += 1
    end(processes, logs=command.logs)
    command.go_on()
    return n_killed


def is_alive(pid: int) -> bool:
    """Says whether a process is there and more than a zombie that nobody has buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
