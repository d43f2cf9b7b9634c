"""What an audit over time is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from numpy.typing import ArrayLike

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics import Surveillance

__all__ = ["OverTime"]


@dataclass(frozen=True, eq=False, repr=False)
class OverTime:
    """How a table is cut into windows, and what each is held against.

    Args:
        time: when each image was read: a column's name or a vector of dates, ISO 8601.
        window: ``"month"``, ``"quarter"``, or a number of days, counted from the first image.
        reference: how many windows at the beginning are the reference, together; or the ``report.json`` of an audit
            with its ``predictions.csv`` beside it.
        rule: when a change is an alarm.

    Raises:
        ConfigurationError: if the windows or the reference cannot be used.
    """

    time: str | ArrayLike
    window: str | int = "month"
    reference: int | str | Path = 1
    rule: Surveillance = field(default_factory=Surveillance)

    def __post_init__(self) -> None:
        if self.window not in ("month", "quarter") and not (str(self.window).isdecimal() and int(self.window) > 0):
            raise ConfigurationError(f"The window is {self.window!r}. Give 'month', 'quarter', or a number of days.")
        if isinstance(self.reference, int) and self.reference < 1:
            raise ConfigurationError(
                f"The reference is {self.reference} windows. Give 1 or more, or the report.json of an audit."
            )
