"""A progress bar over the trainings of a search, on standard error."""

from __future__ import annotations

from tqdm import tqdm

__all__ = ["Progress"]


class Progress:
    """Shows which training runs, its epoch and objective, and the best so far.

    Args:
        n_trainings: how many are planned.
        shown: whether to draw anything.
    """

    def __init__(self, n_trainings: int, *, shown: bool) -> None:
        self._bar = tqdm(total=n_trainings, desc="search", unit="training", disable=not shown, dynamic_ncols=True)
        self._best = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def start(self, what: str) -> None:
        """Names the training that begins."""
        self._bar.set_description(what)

    def epoch(self, epoch: int, max_epochs: int, value: float) -> None:
        """Shows an epoch's objective."""
        self._bar.set_postfix_str(f"epoch {epoch}/{max_epochs} {value:.3f}{self._best}")

    def best(self, value: float) -> None:
        """Remembers the best objective so far."""
        self._best = f", best {value:.3f}"

    def done(self, n: int = 1) -> None:
        """Counts trainings that are finished, now or in an earlier session."""
        self._bar.update(n)
