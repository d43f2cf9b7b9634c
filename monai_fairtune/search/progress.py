"""What people see of a search while it runs, on standard error."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tqdm import tqdm

from monai_fairtune.search.board import Entry, Lease
from monai_fairtune.search.job import Job

__all__ = ["Progress", "describe"]

_EVERY = 0.2


class Progress:
    """A bar over the trainings, with what runs, its epoch and objective, and the best so far.

    Args:
        n_trainings: how many are planned.
        shown: whether to draw anything.
    """

    def __init__(self, n_trainings: int, *, shown: bool) -> None:
        self._n_trainings = n_trainings
        self._bar = tqdm(total=n_trainings, desc="search", unit="training", disable=not shown, dynamic_ncols=True)
        self._shown_at = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if exception[0] is None:  # fewer trainings than planned were enough
            self._bar.total = self._bar.n
            self._bar.set_description("search")
        self._bar.close()

    def show(self, n_finished: int, entries: Sequence[Entry], best: Mapping[str, float]) -> None:
        """Draws what is finished, what runs, and the best of each objective so far."""
        if time.monotonic() - self._shown_at < _EVERY:
            return
        self._shown_at = time.monotonic()
        self._bar.n = min(self._n_trainings, n_finished)
        running = [describe(entry.job, entry.progress) for entry in entries if entry.state == "leased"]
        if running:
            self._bar.set_description(running[0] if len(running) == 1 else f"{len(running)} running: {running[0]}")
        if best:
            values = [f"{value:.3f}" if len(best) == 1 else f"{name} {value:.3f}" for name, value in best.items()]
            self._bar.set_postfix_str(f"best {', '.join(values)}", refresh=False)
        self._bar.refresh()

    def epoch(self, lease: Lease, progress: Mapping[str, Any]) -> None:
        """Shows what this process itself is at."""
        self._bar.set_description(describe(lease.job, progress))


def describe(job: Job, progress: Mapping[str, Any]) -> str:
    """Returns a job and how far it is, in a few words."""
    if "epoch" not in progress:
        return job.title
    fold = "" if progress.get("fold") is None else f"fold {progress['fold'] + 1}, "
    return f"{job.title}, {fold}epoch {progress['epoch']}/{progress['max_epochs']} {progress['value']:.3f}"
