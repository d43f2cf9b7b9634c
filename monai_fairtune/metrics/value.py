"""A number, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monai_fairtune.exceptions import UndefinedMetricError

__all__ = ["Value"]


@dataclass(frozen=True)
class Value:
    """A metric's value on some samples; where it is undefined, the reason takes its place.

    There is no third state: NaN and infinity are refused, so that nothing undefined is ever ranked, averaged or
    written as a number.

    Args:
        value: a finite number, or None where the metric is undefined.
        reason: why it is undefined; None where it is defined.
        low: lower end of the 95 % interval, or None where none was computed.
        high: upper end of the 95 % interval, or None where none was computed.
        extra: what belongs beside the number, such as ``{"subgroup": "female"}``.

    Raises:
        UndefinedMetricError: if there is neither a finite number nor a reason, or both.

    Example:
        >>> Value(0.75, extra={"subgroup": "female"}).to_dict()
        {'value': 0.75, 'low': None, 'high': None, 'subgroup': 'female'}
        >>> Value(None, "the split holds no positives").to_dict()
        {'value': None, 'reason': 'the split holds no positives'}
    """

    value: float | None
    reason: str | None = None
    low: float | None = None
    high: float | None = None
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.value is not None:
            object.__setattr__(self, "value", float(self.value))
        defined = self.value is not None and math.isfinite(self.value)
        if defined == bool(self.reason):
            raise UndefinedMetricError(
                f"A value of {self.value} was given with the reason {self.reason!r}. "
                "Give a finite number, or None and the reason why there is none."
            )

    @classmethod
    def of(cls, measure: Callable[[], float], where: str = "") -> Value:
        """Returns what ``measure`` returns, or why it refused.

        Args:
            measure: returns a finite number, or raises UndefinedMetricError.
            where: names the samples at the head of the reason.
        """
        try:
            return cls(measure())
        except UndefinedMetricError as error:
            return cls(None, f"{where}: {error}" if where else str(error))

    def require(self) -> float:
        """Returns the number.

        Raises:
            UndefinedMetricError: with the reason, if there is none.
        """
        if self.value is None:
            raise UndefinedMetricError(str(self.reason))
        return self.value

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report: the number and its interval, or the reason."""
        if self.value is None:
            return {"value": None, "reason": self.reason, **self.extra}
        return {"value": self.value, "low": self.low, "high": self.high, **self.extra}
