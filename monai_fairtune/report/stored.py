"""What result.json and report.json hold: numbers with reasons, reports, and the files themselves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.report.wording import percent

__all__ = [
    "SPLITS",
    "SUPPRESSED",
    "Stated",
    "attribute_of",
    "finite",
    "load_card",
    "load_report",
    "load_result",
    "objective_value",
    "stated",
    "worst_group",
]

SCHEMA = 1

SPLITS = ("train", "validation", "selection", "test")
"""The names of all splits, in order."""

SUPPRESSED = "suppressed"
"""What stands where a number is withheld because it rests on too few patients or images."""


@dataclass(frozen=True)
class Stated:
    """A value of a report: a number, or the reason why there is none.

    Args:
        value: the number, or None.
        reason: why it is None; blank where it is a number.
        low: lower end of its interval, where one is stored.
        high: upper end of its interval, where one is stored.
        subgroup: the subgroup it belongs to, for worst-group measures.
        method: how its interval was computed, such as ``"wilson"``; blank where it has none.
        note: what must stand beside the number: why it has no interval, or that its interval is known to be off.
        suppressed: whether the number is withheld, and not undefined.
    """

    value: float | None
    reason: str = ""
    low: float | None = None
    high: float | None = None
    subgroup: str | None = None
    method: str = field(default="", repr=False)
    note: str = field(default="", repr=False)
    suppressed: bool = field(default=False, repr=False)

    @property
    def has_interval(self) -> bool:
        """Whether both ends of an interval are stored."""
        return self.value is not None and self.low is not None and self.high is not None

    def scaled(self, factor: float, offset: float = 0.0) -> Stated:
        """Returns ``offset + factor * value`` with its interval; what is undefined stays as it is."""
        if self.value is None:
            return self
        ends = [None if end is None else offset + factor * end for end in (self.low, self.high)]
        low, high = ends if factor >= 0 else ends[::-1]
        return Stated(offset + factor * self.value, "", low, high, self.subgroup, self.method, self.note)


def stated(entry: object) -> Stated:
    """Reads one value, be it a number, null, absent, or a mapping with ``value`` or ``reason``.

    Example:
        >>> stated({"value": None, "reason": "no positives"})
        Stated(value=None, reason='no positives', low=None, high=None, subgroup=None)
        >>> stated(0.5).value
        0.5
    """
    if isinstance(entry, Mapping):
        value = finite(entry.get("value"))
        reason = "" if value is not None else str(entry.get("reason") or "no reason was recorded")
        subgroup = entry.get("subgroup")
        return Stated(
            value,
            reason,
            finite(entry.get("low")),
            finite(entry.get("high")),
            subgroup if isinstance(subgroup, str) else None,
            str(entry.get("interval") or ""),
            _note(entry),
            entry.get(SUPPRESSED) is True,
        )
    value = finite(entry)
    return Stated(value, "" if value is not None else "not recorded")


def _note(entry: Mapping[str, Any]) -> str:
    """Returns what must be printed beside a number."""
    share = finite(entry.get("undefined_replicates")) or 0.0
    undefined = f"The value is undefined in {percent(share)} of the resamples, which the interval leaves out."
    told = [str(entry.get(key) or "") for key in ("caution", "no_interval")] + ([undefined] if share > 0 else [])
    return " ".join(text.rstrip(".") + "." for text in told if text)


def finite(entry: object) -> float | None:
    """Returns a finite number as it is, anything else as None."""
    if isinstance(entry, bool) or not isinstance(entry, int | float) or not math.isfinite(entry):
        return None
    return float(entry)


def load_result(path: Path) -> dict[str, Any]:
    """Returns the object in ``result.json``; numbers that are not finite are read as absent.

    Raises:
        ConfigurationError: if the file is absent, is no JSON object, or has another schema.
    """
    return _load(path, "Give the output_dir of a finished search.", "Run the search again, or restore the file.")


def load_report(path: Path) -> dict[str, Any]:
    """Returns the object in an audit's ``report.json``; numbers that are not finite are read as absent.

    Raises:
        ConfigurationError: if the file is absent, is no JSON object, or has another schema.
    """
    return _load(path, "Give the output_dir of a finished audit.", "Run the audit again, or restore the file.")


def load_card(path: Path) -> dict[str, Any]:
    """Returns the object in ``cohort_card.json``; numbers that are not finite are read as absent.

    Raises:
        ConfigurationError: if the file is absent, is no JSON object, or has another schema.
    """
    return _load(path, "Give the output_dir of a check.", "Run the check again, or restore the file.")


def _load(path: Path, what_to_give: str, what_to_do: str) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigurationError(f"There is no {path.name} in {path.parent}. {what_to_give}")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}. {what_to_do}") from error
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        found = stored.get("schema") if isinstance(stored, dict) else type(stored).__name__
        raise ConfigurationError(
            f"{path} has schema {found!r}, and this version reads schema {SCHEMA}. "
            "Write the report with the version of monai-fairtune that wrote this file."
        )
    return stored


def worst_group(report: Mapping[str, Any], attributes: Iterable[str]) -> tuple[Stated, str]:
    """Returns the lowest worst-group AUROC over several attributes, and the attribute that it belongs to.

    If it is undefined for one attribute, it is undefined for all of them together.
    """
    found = [(stated(attribute_of(report, name).get("worst_group_auroc")), name) for name in attributes]
    for value, name in found:
        if value.value is None:
            return value, name
    return min(found, key=lambda pair: cast("float", pair[0].value))


def attribute_of(report: Mapping[str, Any], attribute: str) -> Mapping[str, Any]:
    """Returns what a report says about one attribute; empty if it says nothing."""
    return (report.get("attributes") or {}).get(attribute) or {}


def objective_value(report: Mapping[str, Any] | None, objective: str, attributes: Iterable[str]) -> Stated:
    """Returns the objective's value on a stored report: what the search optimised, computed on another split.

    Args:
        report: a report object, or None where the split was not assessed.
        objective: an objective's name, such as ``"worst_group_auroc"``.
        attributes: the attributes that entered the objective.
    """
    if not report:
        return Stated(None, "this split was not assessed for this method")
    if objective in {"overall_auroc", "overall_accuracy"}:
        return stated(report["overall"].get(objective.removeprefix("overall_")))
    values = [stated(attribute_of(report, name).get(objective)) for name in attributes]
    for value in values:
        if value.value is None:
            return value
    pick = min if objective.startswith("worst_group_") else max
    return pick(values, key=lambda value: cast("float", value.value))
