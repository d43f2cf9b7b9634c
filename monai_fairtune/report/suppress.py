"""Small numbers withheld: what a shared report must not tell about a few people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.assessed import count_of
from monai_fairtune.report.stored import SUPPRESSED

__all__ = ["small_subgroups", "suppress"]

_COUNTS = ("n", "n_positive", "n_patients")
_Object = dict[str, Any]


def suppress(report: Mapping[str, Any], below: int | None) -> _Object:
    """Returns a report in which no count of a subgroup below a limit can be read, nor be had by subtraction.

    A subgroup with fewer than ``below`` images, patients, or images of either class (and more than none) loses those
    counts, all its values and its curves. Where a count is withheld of one subgroup of an attribute only, the same
    count of the next smallest is withheld too: otherwise the total would tell it. Images without a recorded value
    are treated alike, except that they are no subgroup and nothing else is withheld for their sake.

    Args:
        report: a binary report.
        below: the smallest count that may be shown; None withholds nothing.
    """
    if not below:
        return dict(report)
    attributes = {name: _suppress_attribute(entry, below) for name, entry in (report.get("attributes") or {}).items()}
    return {**report, "attributes": attributes}


def small_subgroups(entry: Mapping[str, Any], below: int) -> list[str]:
    """Returns the subgroups of an attribute that hold a small count, or whose count is withheld already."""
    return [name for name, values in (entry.get("subgroups") or {}).items() if _small_counts(values, below)]


def _small_counts(entry: Mapping[str, Any], below: int) -> list[str]:
    """Returns the names of the counts that must not be told."""
    counts = {key: count_of(entry[key]) for key in _COUNTS if key in entry}
    small = [key for key, count in counts.items() if count is None or 0 < count < below]
    n, positive = counts.get("n"), counts.get("n_positive")
    if n is not None and positive is not None and 0 < n - positive < below and "n_positive" not in small:
        small.append("n_positive")
    return small


def _suppress_attribute(entry: Mapping[str, Any], below: int) -> _Object:
    subgroups: Mapping[str, Mapping[str, Any]] = entry.get("subgroups") or {}
    hidden = {name: _small_counts(values, below) for name, values in subgroups.items()}
    small = {name for name, counts in hidden.items() if counts}
    shown = {name: _withhold(values, below) if name in small else dict(values) for name, values in subgroups.items()}
    for key in _COUNTS:
        _protect(shown, subgroups, [name for name, counts in hidden.items() if key in counts], key)
    found: _Object = {**entry, "subgroups": shown}
    missing = entry.get("missing")
    if missing:
        found["missing"] = _withhold(missing, below) if _small_counts(missing, below) else missing
        found["n_missing"] = found["missing"]["n"]
    return _without_names(found, small, below)


def _protect(shown: dict[str, _Object], stored: Mapping[str, Mapping[str, Any]], hidden: list[str], key: str) -> None:
    """Withholds a count of the next smallest subgroup too, where that of one only is withheld."""
    others = {name: count for name in stored if name not in hidden and (count := count_of(stored[name].get(key)))}
    if len(hidden) == 1 and others:
        shown[min(others, key=lambda name: others[name])][key] = SUPPRESSED


def _withhold(values: Mapping[str, Any], below: int) -> _Object:
    small = _small_counts(values, below)
    found: _Object = {}
    for key, value in values.items():
        if key in _COUNTS:
            found[key] = _hidden_count(value, below) if key in small else value
        else:
            found[key] = None if key == "curves" else _gone(below)
    return found


def _hidden_count(value: object, below: int) -> object:
    count = count_of(value)
    return value if count is None else f"<{below}" if count < below else SUPPRESSED


def _gone(below: int) -> _Object:
    reason = f"Withheld: the subgroup, or one of its classes, holds fewer than {below} images or patients."
    return {"value": None, "reason": reason, SUPPRESSED: True}


def _without_names(entry: _Object, small: set[str], below: int) -> _Object:
    """Withholds comparisons that give the value, or whose reason gives the counts, of a withheld subgroup."""
    if not small:
        return entry
    found = {key: _withheld_comparison(value, small, below) for key, value in entry.items()}
    untold = {"difference": _gone(below), "p_value": None, "p_holm": None, "p_max_t": None}
    pairs = [
        {**pair, **untold} if small.intersection(pair.get("subgroups") or ()) else pair
        for pair in entry.get("pairs") or []
    ]
    return {**found, **({"pairs": pairs} if "pairs" in entry else {})}


def _withheld_comparison(value: Any, small: set[str], below: int) -> Any:
    if not isinstance(value, Mapping) or "value" not in value:
        return value
    if value.get("subgroup") in small:
        return _gone(below)
    if value["value"] is None:
        reason = f"It needs every subgroup, and one or its classes hold fewer than {below} images or patients."
        return {"value": None, "reason": reason}
    return value
