"""Numbers and names as people read them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from monai_fairtune.predictions import printable

__all__ = [
    "DASH",
    "enumerate_words",
    "hours",
    "isolate",
    "isolate_parts",
    "number",
    "objective_words",
    "percent",
    "printable",
    "probability",
    "shorten",
    "signed",
]

DASH = "–"
"""What stands where a number has no value."""

_OBJECTIVES = {
    "worst_group_auroc": "worst-group AUROC",
    "auroc_gap": "AUROC gap",
    "worst_group_accuracy": "worst-group accuracy",
    "accuracy_gap": "accuracy gap",
    "largest_subgroup_loss": "largest subgroup loss",
    "overall_auroc": "overall AUROC",
    "overall_accuracy": "overall accuracy",
}


def number(value: float | None, digits: int = 3) -> str:
    """Returns ``value`` with a fixed number of decimals, or a dash where it is undefined.

    Example:
        >>> number(0.8126), number(None), number(-0.0001)
        ('0.813', '–', '0.000')
    """
    if value is None or not math.isfinite(value):
        return DASH
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float | None, digits: int = 3) -> str:
    """Returns a difference with its sign, ``±`` where it rounds to zero.

    Example:
        >>> signed(0.0123), signed(0.0), signed(None)
        ('+0.012', '±0.000', '–')
    """
    if value is None or not math.isfinite(value):
        return DASH
    rounded = round(value, digits)
    return ("+" if rounded > 0 else "±" if rounded == 0 else "") + number(value, digits)


def probability(value: float | None, name: str = "p") -> str:
    """Returns a p-value as journals print it.

    Example:
        >>> probability(0.0004), probability(0.0315), probability(0.2), probability(None)
        ('p < 0.001', 'p = 0.032', 'p = 0.20', '–')
    """
    if value is None or not math.isfinite(value):
        return DASH
    if value < 0.001:
        return f"{name} < 0.001"
    return f"{name} = {value:.{3 if value < 0.0995 else 2}f}"


def percent(share: float | None) -> str:
    """Returns a share between 0 and 1 as a percentage that never reads as nothing or as all when it is neither.

    Example:
        >>> [percent(share) for share in (0.0, 0.00002, 0.00034, 0.1234, 0.9999, 1.0)]
        ['0 %', '0.002 %', '0.034 %', '12.3 %', '99.99 %', '100 %']
    """
    if share is None or not math.isfinite(share):
        return DASH
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    distance = min(share, 1 - share) * 100
    digits = max(1, min(6, -math.floor(math.log10(distance)) + (1 if share < 0.5 else 0))) if distance > 0 else 1
    text = f"{share * 100:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text and digits > 1 else text} %"


def hours(seconds: float | None) -> str:
    """Returns a duration in the largest units that matter.

    Example:
        >>> hours(45), hours(900), hours(8100)
        ('45 s', '15 min', '2 h 15 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return DASH
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def objective_words(objective: str) -> str:
    """Returns the name of an objective in words."""
    return _OBJECTIVES.get(objective, objective.replace("_", " "))


def shorten(text: str, limit: int) -> str:
    """Returns at most ``limit`` printable characters, the last an ellipsis where something was cut.

    Example:
        >>> shorten("a long name", 7)
        'a long…'
    """
    clean = printable(text)
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + "…"


def isolate(text: str) -> str:
    """Returns the text wrapped in Unicode isolates if it holds right-to-left letters, so that it keeps to itself."""
    if any(unicodedata.bidirectional(character) in {"R", "AL", "AN"} for character in text):
        return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"
    return text


def isolate_parts(name: str) -> str:
    """Returns the exact name of a subgroup with each part of an intersection kept to itself."""
    return " & ".join(isolate(part) for part in name.split(" & "))


def enumerate_words(items: Sequence[str]) -> str:
    """Joins items as in a sentence.

    Example:
        >>> enumerate_words(["a"]), enumerate_words(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
