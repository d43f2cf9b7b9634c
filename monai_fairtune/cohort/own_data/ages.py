"""Ages in years, from what tables and DICOM headers hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.ages import OLDEST, age_text, years_from_text
from monai_fairtune.cohort.own_data.mapping import AgeSource, DateSource

__all__ = ["NOT_RECORDED", "ages", "count_ages"]

NOT_RECORDED, _UNREADABLE, _IMPLAUSIBLE = "not recorded", "not readable as an age", "below 0 or above 120 years"
_DICOM_DATE = "%Y%m%d"


def ages(frame: pd.DataFrame, sources: Sequence[AgeSource]) -> pd.Series[str]:
    """Returns the age of each image as text, blank where no source has a plausible one.

    Ages are completed years from 2 years on, and completed months before, as a fraction of a year with two decimals.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        sources: the first one with a plausible age is taken.
    """
    years = pd.Series(np.nan, index=frame.index)
    for source in sources:
        years = years.fillna(_years(frame, source)[0].pipe(_plausible))
    return years.map(age_text)


def count_ages(frame: pd.DataFrame, sources: Sequence[AgeSource]) -> dict[str, int]:
    """Returns why ages are missing, to of how many images; the gravest reason that a source gives is an image's."""
    grade = np.zeros(len(frame), dtype=np.int64)
    recorded = np.zeros(len(frame), dtype=np.bool_)
    for source in sources:
        years, given = _years(frame, source)
        plausible = _plausible(years).notna().to_numpy()
        recorded |= plausible
        grade = np.maximum(grade, np.where(years.notna() & ~plausible, 2, np.where(given & years.isna(), 1, 0)))
    reasons = (NOT_RECORDED, _UNREADABLE, _IMPLAUSIBLE)
    counts = np.bincount(grade[~recorded], minlength=len(reasons))
    return {reason: int(n) for reason, n in zip(reasons, counts, strict=True) if n}


def _years(frame: pd.DataFrame, source: AgeSource) -> tuple[pd.Series[float], NDArray[np.bool_]]:
    """Returns ages that may be implausible, NaN where there is none, and where something is given."""
    if source.age is not None:
        cells = frame[str(source.age)]
        return cells.map({cell: years_from_text(cell) for cell in cells.unique()}).astype(float), (
            cells != ""
        ).to_numpy()
    if source.birth is None or source.study is None:
        raise TypeError("an age is read from one source, or from birth and study")
    birth, born = _dates(frame, source.birth)
    study, studied = _dates(frame, source.study)
    months = 12 * (study.dt.year - birth.dt.year) + study.dt.month - birth.dt.month - (study.dt.day < birth.dt.day)
    return (months / 12).astype(float), born & studied


def _dates(frame: pd.DataFrame, date: DateSource) -> tuple[pd.Series[pd.Timestamp], NDArray[np.bool_]]:
    cells = frame[str(date.source)]
    written = cells.str.replace(".", "") if date.format is None else cells  # DICOM once wrote 1999.12.31
    return pd.to_datetime(written, format=date.format or _DICOM_DATE, errors="coerce"), (cells != "").to_numpy()


def _plausible(years: pd.Series[float]) -> pd.Series[float]:
    return years.where(years.between(0, OLDEST))
