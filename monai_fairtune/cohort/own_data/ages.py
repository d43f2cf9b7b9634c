"""Ages in years, from what tables and DICOM headers hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.ages import OLDEST, age_text, years_from_text
from monai_fairtune.cohort.own_data.dates import read_dates
from monai_fairtune.cohort.own_data.mapping import AgeSource

__all__ = ["NOT_RECORDED", "all_alike", "count_missing", "read_ages"]

NOT_RECORDED = "not recorded"
_REASONS = (NOT_RECORDED, "not readable as an age", f"below 0 or above {OLDEST} years")


def read_ages(frame: pd.DataFrame, sources: Sequence[AgeSource]) -> pd.DataFrame:
    """Returns the age of each image, as ``age_text`` writes it, and why there is none.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        sources: the first one with a plausible age is taken.

    Returns:
        Indexed as the frame; ``age``, blank where no source has a plausible one, and ``missing``: blank where there is
        an age, else the gravest reason that a source gives.
    """
    years = pd.Series(np.nan, index=frame.index)
    grade = np.zeros(len(frame), dtype=np.int64)
    for source in sources:
        found, given = _years(frame, source)
        plausible = found.where(found.between(0, OLDEST))
        years = years.fillna(plausible)
        implausible = found.notna() & plausible.isna()
        grade = np.maximum(grade, np.where(implausible, 2, np.where(given & found.isna(), 1, 0)))
    reasons = np.where(years.notna(), "", np.array(_REASONS)[grade])
    return pd.DataFrame({"age": years.map(age_text), "missing": reasons}, index=frame.index)


def count_missing(read: pd.DataFrame) -> dict[str, int]:
    """Returns why ages are missing, to of how many images; the argument is what ``read_ages`` returned."""
    return {reason: n for reason in _REASONS if (n := int((read["missing"] == reason).sum()))}


def all_alike(ages: pd.Series[str]) -> list[str]:
    """Returns a warning if several images have an age and all of them the same: one of the dates was hardly right."""
    known = ages[ages != ""]
    alike = len(known) > 1 and known.nunique() == 1
    return [f"All {len(known)} known ages are {known.iloc[0]}, which is hardly right."] if alike else []


def _years(frame: pd.DataFrame, source: AgeSource) -> tuple[pd.Series[float], NDArray[np.bool_]]:
    """Returns ages that may be implausible, NaN where there is none, and where something is given."""
    if source.age is not None:
        cells = frame[str(source.age)]
        return cells.map({cell: years_from_text(cell) for cell in cells.unique()}).astype(float), (
            cells != ""
        ).to_numpy()
    if source.birth is None or source.study is None:
        raise TypeError("an age is read from one source, or from birth and study")
    birth, study = (read_dates(frame, each) for each in (source.birth, source.study))
    given = (frame[[str(source.birth), str(source.study)]] != "").all(axis="columns").to_numpy()
    months = 12 * (study.dt.year - birth.dt.year) + study.dt.month - birth.dt.month - (study.dt.day < birth.dt.day)
    return (months / 12).astype(float), given
