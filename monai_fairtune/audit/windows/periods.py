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
_ALIASES = {"month": "MS", "quarter": "QS"}


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


def cut(days: pd.Series[pd.Timestamp], window: str | int) -> tuple[list[Period], NDArray[np.int64]]:
    """Returns the windows from the first day to the last, empty ones included, and each row's position among them.

    Args:
        days: at least one.
        window: ``"month"``, ``"quarter"``, or a number of days, counted from the first day.

    Raises:
        ConfigurationError: if there are more than 120 windows.

    Example:
        >>> periods, codes = cut(pd.Series(pd.to_datetime(["2026-03-31", "2026-01-02"])), "month")
        >>> [period.name for period in periods], codes.tolist()
        (['2026-01', '2026-02', '2026-03'], [2, 0])
    """
    first, last = days.min(), days.max()
    if window in _ALIASES:
        starts = first.to_period(str(window)[0].upper()).start_time
        edges = pd.date_range(starts, last + pd.DateOffset(months=3), freq=_ALIASES[str(window)])
    else:
        edges = pd.date_range(first, last + pd.Timedelta(days=int(window)), freq=f"{int(window)}D")
    edges = edges[: int(np.searchsorted(edges, np.datetime64(last), side="right")) + 1]
    if len(edges) - 1 > _MOST:
        raise ConfigurationError(
            f"From {first:%Y-%m-%d} to {last:%Y-%m-%d} there are {len(edges) - 1} windows of {window!r}, and at most "
            f"{_MOST} are told apart. Take longer windows, or the latest rows."
        )
    periods = [Period(_name(start, window), start.date(), end.date()) for start, end in pairwise(edges)]
    return periods, np.searchsorted(edges, days.to_numpy(), side="right").astype(np.int64) - 1


def whole_windows(times: pd.Series, window: str | int, today: date) -> NDArray[np.bool_]:
    """Returns which rows are in a window that was over before ``today``: shape ``(n,)``.

    Raises:
        PredictionsError: if a time cannot be read.
        ConfigurationError: if there are more than 120 windows.
    """
    if not len(times):
        return np.zeros(0, dtype=np.bool_)
    periods, codes = cut(days_of(times), window)
    return np.array([period.end <= today for period in periods])[codes]


def _name(start: pd.Timestamp, window: str | int) -> str:
    if window == "quarter":
        return f"{start.year}-Q{start.quarter}"
    return f"{start:%Y-%m}" if window == "month" else f"{start:%Y-%m-%d}"
