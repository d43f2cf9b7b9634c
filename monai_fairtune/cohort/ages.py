"""Ages in years, as text and as numbers."""

from __future__ import annotations

import math
import re

__all__ = ["OLDEST", "age_text", "years_from_text"]

OLDEST = 120
"""What is above is no age, but a typing error or a code."""

_PER_YEAR = {"": 1.0, "y": 1.0, "j": 1.0, "m": 12.0, "w": 52.1775, "d": 365.25}
_AGE = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*(y|yrs?|years?|j|jahre?|m|months?|w|weeks?|d|days?|)", re.IGNORECASE)


def years_from_text(text: str) -> float:
    """Returns an age in years, or NaN.

    Example:
        >>> years_from_text("063Y"), years_from_text("18 months"), years_from_text("63,5"), years_from_text("adult")
        (63.0, 1.5, 63.5, nan)
    """
    found = _AGE.fullmatch(text.strip())
    return float(found[1].replace(",", ".")) / _PER_YEAR[found[2][:1].lower()] if found else math.nan


def age_text(years: float) -> str:
    """Returns completed years from 2 years on, and completed months before, as a fraction of a year with two decimals.

    What is below 0 or above 120 becomes a blank, as NaN does.

    Example:
        >>> age_text(63.9), age_text(1.5), age_text(148.0), age_text(float("nan"))
        ('63', '1.5', '', '')
    """
    if not 0 <= years <= OLDEST:
        return ""
    months = math.floor(years * 12 + 1e-6)
    return str(months // 12) if months >= 24 else f"{months / 12:.2f}".rstrip("0").rstrip(".")
