"""Dates of tables and DICOM headers: how they are written, and reading them."""

from __future__ import annotations

import pandas as pd

from monai_fairtune.cohort.own_data.mapping import DateSource

__all__ = ["fitting_formats", "read_dates", "read_years"]

_DICOM = "%Y%m%d"
_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", _DICOM, "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
_MOST_UNREAD = 0.1  # of the cells that hold something


def read_dates(frame: pd.DataFrame, date: DateSource) -> pd.Series[pd.Timestamp]:
    """Returns the date of each image, NaT where there is none, or none that can be read.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        date: where it stands.
    """
    cells = frame[str(date.source)]
    written = cells.str.replace(".", "") if date.format is None else cells  # DICOM once wrote 1999.12.31
    return pd.to_datetime(written, format=date.format or _DICOM, errors="coerce")


def read_years(frame: pd.DataFrame, date: DateSource) -> pd.Series[str]:
    """Returns the year of each image, blank where there is no date; the arguments are those of ``read_dates``."""
    return read_dates(frame, date).dt.strftime("%Y").fillna("")


def fitting_formats(cells: pd.Series[str]) -> dict[str, int]:
    """Returns the formats in which a column can be read, to how many of its cells are no dates in that format.

    Those in which every cell that is not blank is a date; where there is none, those in which nine of ten are.

    Example:
        >>> fitting_formats(pd.Series(["31.01.2020", ""])), fitting_formats(pd.Series(["02/01/2020"]))
        ({'%d.%m.%Y': 0}, {'%d/%m/%Y': 0, '%m/%d/%Y': 0})
    """
    given = cells[cells != ""]
    unread = {each: int(pd.to_datetime(given, format=each, errors="coerce").isna().sum()) for each in _FORMATS}
    most = 0 if 0 in unread.values() else int(_MOST_UNREAD * len(given))
    return {each: n for each, n in unread.items() if n <= most}
