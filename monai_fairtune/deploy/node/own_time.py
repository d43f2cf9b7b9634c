"""A time by which days are counted although somebody may set the time of day."""

from __future__ import annotations

from collections.abc import Callable

from monai_fairtune.deploy.node.database import Run

__all__ = ["DAY", "TIME_SCHEMA", "OwnTime"]

DAY = 86_400.0
TIME_SCHEMA = "CREATE TABLE IF NOT EXISTS time (own REAL NOT NULL, of_day REAL NOT NULL);"
_NOTE_SECONDS = 60.0


class OwnTime:
    """Goes with the monotonic clock while there is a process; of a pause between two, it believes at most a day.

    So a date that jumps years ahead forgets nothing, and one that jumps back keeps nothing for ever.

    Args:
        run: of a transaction on a database with ``TIME_SCHEMA``.
        clock: seconds that never go back, from any start in each process.
        time_of_day: seconds that anybody may set.
    """

    def __init__(self, run: Run, clock: Callable[[], float], time_of_day: Callable[[], float]) -> None:
        self._clock, self._time_of_day = clock, time_of_day
        today = time_of_day()
        own, of_day = run("SELECT own, of_day FROM time").fetchone() or (today, today)
        self._ahead = own + min(max(today - of_day, 0.0), DAY) - clock()
        self._write(run)

    def now(self) -> float:
        """Returns its seconds."""
        return self._clock() + self._ahead

    def note(self, run: Run) -> None:
        """Writes it down once a minute, for the next process."""
        if self.now() - self._noted >= _NOTE_SECONDS:
            self._write(run)

    def _write(self, run: Run) -> None:
        self._noted = self.now()
        run("DELETE FROM time")
        run("INSERT INTO time VALUES (?, ?)", self._noted, self._time_of_day())
