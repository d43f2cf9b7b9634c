"""What an audit over time is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from numpy.typing import ArrayLike

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics import Surveillance

__all__ = ["OverTime"]

_MOST_DAYS = 1000


@dataclass(frozen=True, eq=False, repr=False)
class OverTime:
    """How a table is cut into windows, and what each is held against.

    Args:
        time: when each image was read: a column's name or a vector of dates, ISO 8601.
        window: ``"month"``, ``"quarter"``, or a number of days up to 1000, counted from a fixed Monday: no image moves
            them.
        reference: how many windows at the beginning are the reference, together; or the ``report.json`` of an audit
            with its ``predictions.csv`` beside it.
        rule: when a change is an alarm.
        until: windows that are over on this day are there, though they hold no image; by default the window of the last
            image is the last.

    Raises:
        ConfigurationError: if the windows or the reference cannot be used.
    """

    time: str | ArrayLike
    window: str | int = "month"
    reference: int | str | Path = 1
    rule: Surveillance = field(default_factory=Surveillance)
    until: date | None = None

    def __post_init__(self) -> None:
        is_days = str(self.window).isdecimal() and 0 < int(self.window) <= _MOST_DAYS
        if self.window not in ("month", "quarter") and not is_days:
            raise ConfigurationError(
                f"The window is {self.window!r}. Give 'month', 'quarter', or a number of days up to {_MOST_DAYS}."
            )
        if isinstance(self.reference, int) and self.reference < 1:
            raise ConfigurationError(
                f"The reference is {self.reference} windows. Give 1 or more, or the report.json of an audit."
            )
