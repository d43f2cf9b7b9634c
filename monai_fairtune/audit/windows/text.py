"""An audit over time in a few lines, for terminals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.audit.text import aligned, plain, value_text
from monai_fairtune.report import alarm_words

__all__ = ["windows_text"]


def windows_text(report: Mapping[str, Any]) -> str:
    """Returns a row a window, then the alarms of the last one.

    Args:
        report: the content of ``report.json``, with ``windows`` and ``alarms``.
    """
    alarms = report["alarms"]
    rows = [["window", "images", "prevalence", "overall AUROC", "worst-group AUROC", "alarms"]]
    for window in report["windows"]["each"]:
        n_alarms = sum(alarm["window"] == window["name"] for alarm in alarms)
        rows.append(
            [
                plain(window["name"]),
                str(window["n"]),
                "–" if window["prevalence"] is None else f"{window['prevalence']:.3f}",
                value_text(window["overall"]["auroc"]) if window["n"] else "–",
                _worst(window["attributes"]),
                "reference" if window["reference"] else str(n_alarms),
            ]
        )
    last = report["windows"]["each"][-1]
    told = [f"  {alarm_words(alarm)}" for alarm in alarms if alarm["window"] == last["name"]]
    before = len(alarms) - len(told)
    head = f"{len(told)} alarms in the last window, {before} before{':' if told else '.'}"
    if last["n"] == last["n_without_label"] == 0:
        head += " The last window holds no image."
    return "\n".join(["over time", aligned(rows), head, *told])


def _worst(attributes: Mapping[str, Any]) -> str:
    """Returns the lowest worst-group AUROC of those that are defined."""
    found = [entry["worst_group_auroc"] for entry in attributes.values()]
    known = [value for value in found if value["value"] is not None]
    if not known:
        return "–" if not found else value_text(found[0])
    lowest = min(known, key=lambda value: float(value["value"]))
    return f"{value_text(lowest)} {plain(str(lowest['subgroup']))}"
