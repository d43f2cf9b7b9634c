"""A report as a tidy table: one row a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

__all__ = ["tidy"]

_COLUMNS = ("class", "attribute", "subgroup", "metric", "value", "low", "high", "reason", "note")
_COUNTS = ("n", "n_positive", "n_patients")
_P = ("p_value", "p_holm", "p_max_t")


def tidy(report: Mapping[str, Any]) -> pd.DataFrame:
    """Returns every number of a report in a row of its own.

    Columns are ``attribute`` and ``subgroup`` (blank for what is about all images, or about a whole attribute; a
    worst-group value names its subgroup, a pair both), ``metric``, ``value``, ``low``, ``high``, ``reason``, which says
    why there is no value, and ``note``, what must be said beside it. Images without a recorded value are the subgroup
    ``(missing)``. With several classes the first column is ``class``, blank for their mean.

    Args:
        report: the content of ``report.json``.
    """
    rows = list(_of_classes(report) if "classes" in report else _of_report("", report))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    frame = frame.astype({"value": "float64", "low": "float64", "high": "float64"})
    return frame if "classes" in report else frame.drop(columns="class")


_Row = tuple[str, str, str, str, float | None, float | None, float | None, str, str]


def _of_classes(report: Mapping[str, Any]) -> Iterator[_Row]:
    for name, part in report["classes"].items():
        yield from _of_report(name, part)
    macro = report["macro"]
    yield _row(("", "", ""), "auroc", macro["auroc"])
    for name, entry in macro["attributes"].items():
        yield from _of_attribute("", name, entry)


def _of_report(of_class: str, report: Mapping[str, Any]) -> Iterator[_Row]:
    yield from _of_cell((of_class, "", ""), {**report, **report["overall"]})
    for name, entry in report["attributes"].items():
        yield from _of_attribute(of_class, name, entry)


def _of_attribute(of_class: str, attribute: str, entry: Mapping[str, Any]) -> Iterator[_Row]:
    for name, cell in entry["subgroups"].items():
        yield from _of_cell((of_class, attribute, name), cell)
    if entry.get("missing"):
        yield from _of_cell((of_class, attribute, "(missing)"), entry["missing"])
    for metric, value in entry.items():
        if metric == "minimum_detectable_gap" or _is_value(value):
            found = value if isinstance(value, Mapping) else {}
            where = (of_class, attribute, found.get("subgroup", ""))
            yield _row(where, metric, value)
            if found.get("p_value") is not None:
                yield _row(where, f"{metric}_p_value", found["p_value"])
    for pair in entry.get("pairs") or ():
        where = (of_class, attribute, " minus ".join(pair["subgroups"]))
        yield _row(where, "auroc_difference", pair["difference"])
        yield from (_row(where, f"auroc_difference_{key}", pair[key]) for key in _P if pair[key] is not None)


def _of_cell(where: tuple[str, str, str], cell: Mapping[str, Any]) -> Iterator[_Row]:
    for metric, value in cell.items():
        if metric in _COUNTS or _is_value(value):
            yield _row(where, metric, value)


def _is_value(entry: object) -> bool:
    return isinstance(entry, Mapping) and "value" in entry


def _row(where: tuple[str, str, str], metric: str, entry: Any) -> _Row:
    if isinstance(entry, Mapping):
        note = " ".join(str(entry[key]) for key in ("caution", "no_interval") if entry.get(key))
        return (*where, metric, entry["value"], entry.get("low"), entry.get("high"), entry.get("reason") or "", note)
    if isinstance(entry, str):  # a count that is withheld
        return (*where, metric, None, None, None, entry, "")
    return (*where, metric, entry, None, None, "", "")
