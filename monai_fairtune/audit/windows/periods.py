"""From times to windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.subgroups import distinct_cells

__all__ = ["Period", "cut", "days_of", "whole_windows"]

_MOST = 120
_MONTHS = {"month": 1, "quarter": 3}
_ALIASES = {"month": "MS", "quarter": "QS"}
_MONDAY = pd.Timestamp("2001-01-01")
"""Where a window of days starts, whatever images there are; windows of 7 days are weeks."""


@dataclass(frozen=True)
class Period:
    """A window.

    Args:
        name: such as ``2026-05``, ``2026-Q2``, or the first of a number of days.
        start: its first day.
        end: the day after its last.
    """

    name: str
    start: date
    end: date


def days_of(times: pd.Series) -> pd.Series[pd.Timestamp]:
    """Returns the day of each time, in UTC where it has a zone.

    Raises:
        PredictionsError: if one is missing or is no date.
    """
    text, rows = distinct_cells(times)
    read = pd.Series(pd.to_datetime(pd.Series(text), format="ISO8601", utc=True, errors="coerce"))
    found = read.dt.tz_localize(None).dt.normalize().iloc[rows].reset_index(drop=True)
    n_bad, n_blank = int(found.isna().sum()), int((text == "")[rows].sum())
    if n_bad:
        raise PredictionsError(
            f"{n_bad} of {len(found)} rows have no time that can be read: {n_blank} are blank, {n_bad - n_blank} are "
            "no dates. Write times as 2026-05-31 or 2026-05-31T14:05:00."
        )
    return found


def cut(
    days: pd.Series[pd.Timestamp], window: str | int, until: date | None = None
) -> tuple[list[Period], NDArray[np.int64]]:
    """Returns the windows from the first day to the last, empty ones included, and each row's position among them.

    Args:
        days: at least one.
        window: ``"month"``, ``"quarter"``, or a number of days, counted from a fixed Monday.
        until: windows that are over on this day follow, though they hold no row.

    Raises:
        ConfigurationError: if there are more than 120 windows.

    Example:
        >>> periods, codes = cut(pd.Series(pd.to_datetime(["2026-03-31", "2026-01-02"])), "month")
        >>> [period.name for period in periods], codes.tolist()
        (['2026-01', '2026-02', '2026-03'], [2, 0])
    """
    first, last = days.min(), days.max()
    if until is not None:
        last = max(last, _start(pd.Timestamp(until), window) - pd.Timedelta(days=1))
    end = _moved(_start(last, window), window, 1)
    edges = pd.date_range(_start(first, window), end, freq=_ALIASES.get(str(window), f"{window}D"))
    if len(edges) - 1 > _MOST:
        raise ConfigurationError(
            f"From {first:%Y-%m-%d} to {last:%Y-%m-%d} there are {len(edges) - 1} windows of {window!r}, and at most "
            f"{_MOST} are told apart. Take longer windows, or the latest rows."
        )
    periods = [Period(_name(start, window), start.date(), end.date()) for start, end in pairwise(edges)]
    return periods, np.searchsorted(edges, days.to_numpy(), side="right").astype(np.int64) - 1


def whole_windows(times: pd.Series, window: str | int, today: date, since: date | None = None) -> NDArray[np.bool_]:
    """Returns which rows are in a window that was over before ``today``: shape ``(n,)``.

    Args:
        times: of the rows.
        window: as ``cut`` takes it.
        today: the windows before the one that holds it are over.
        since: the window that holds this day is the first; by default there are as many as ``cut`` allows.

    Raises:
        PredictionsError: if a time cannot be read.
    """
    if not len(times):
        return np.zeros(0, dtype=np.bool_)
    end = _start(pd.Timestamp(today), window)
    first = _moved(end, window, -_MOST) if since is None else _start(pd.Timestamp(since), window)
    days = days_of(times)
    return np.asarray((days >= first) & (days < end))


def _start(day: pd.Timestamp, window: str | int) -> pd.Timestamp:
    """Returns the first day of the window that holds a day."""
    if window in _MONTHS:
        return day.to_period(str(window)[0].upper()).start_time
    return day - pd.Timedelta(days=(day - _MONDAY).days % int(window))


def _moved(start: pd.Timestamp, window: str | int, n: int) -> pd.Timestamp:
    """Returns the start of the window that is ``n`` later."""
    months = _MONTHS.get(str(window))
    return start + (pd.Timedelta(days=n * int(window)) if months is None else pd.DateOffset(months=n * months))


def _name(start: pd.Timestamp, window: str | int) -> str:
    if window == "quarter":
        return f"{start.year}-Q{start.quarter}"
    return f"{start:%Y-%m}" if window == "month" else f"{start:%Y-%m-%d}"
