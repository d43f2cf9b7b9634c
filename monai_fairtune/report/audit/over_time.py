"""What the page shows of an audit over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from monai_fairtune.report.audit.alarms import alarm_words
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.drawn import DrawnPlot
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_intervals import OVERALL_MARKER
from monai_fairtune.report.plots_labels import Look, explained, looks
from monai_fairtune.report.plots_multiples import omitted
from monai_fairtune.report.plots_shapes import ShapePlot
from monai_fairtune.report.plots_style import INK, Style
from monai_fairtune.report.plots_windows import Course, courses_drawing, told_courses
from monai_fairtune.report.stored import Stated, stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import enumerate_words, number, percent, shorten

__all__ = ["over_time", "window_plots"]

_READ = "The shaded windows are the reference; a black triangle at the upper edge is an alarm."
_LINE = "The dashed line is the reference's number. "
_SHOWN = {
    "auroc": ("AUROC", f"Bars are 95 % intervals. {_LINE}"),
    "share": ("share of the images", _LINE),
    "score": ("scores", "Marks are medians, bars reach from the lower to the upper quartile. "),
}
_Windows = Sequence[Mapping[str, Any]]


def _windows(audit: Audit) -> _Windows:
    return (audit.raw.get("windows") or {}).get("each") or []


def window_plots(audit: Audit) -> Iterator[ShapePlot]:
    """Yields the plots over time: for each attribute the AUROC, the case mix and the scores of its subgroups."""
    windows = _windows(audit)
    for k, attribute in enumerate(audit.first.attributes if windows else ()):
        subgroups = looks(audit.first, attribute)
        for measure, (words, how) in _SHOWN.items():
            shown: list[tuple[Look, str | None]] = [(look, look.name) for look in subgroups]
            if measure != "share":
                shown.append((Look("", "all images", Style(INK, str(OVERALL_MARKER["marker"]), filled=True)), None))
            courses = [_course(audit, measure, attribute, name, look) for look, name in shown]
            names = [shorten(str(window["name"]), 12) for window in windows]
            n_reference = sum(bool(window["reference"]) for window in windows)
            yield ShapePlot(
                f"windows_{measure}_{k + 1}",
                f"{words} over time, by {attribute_words(attribute)}",
                f"{how}{_READ}{explained(subgroups)}{omitted(len(courses))}",
                f"{words} over time by {attribute_words(attribute)}: {told_courses(courses, names)}.",
                partial(courses_drawing, courses, names, n_reference),
            )


def _course(audit: Audit, measure: str, attribute: str, subgroup: str | None, look: Look) -> Course:
    windows = _windows(audit)
    key = (measure, None if subgroup is None else attribute, subgroup)
    before = [stated(test.get("reference")).value for w in windows for test in w["tests"] if _key(test) == key]
    alarms = {alarm["window"] for alarm in audit.raw.get("alarms") or [] if _key(alarm) == key}
    known = [value for value in before if value is not None]
    return Course(
        look,
        tuple(_value(window, *key) for window in windows),
        tuple(window["name"] in alarms for window in windows),
        known[0] if known and measure != "score" else None,
    )


def _key(test: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    return test["measure"], test["attribute"], test["subgroup"]


def _value(window: Mapping[str, Any], measure: str, attribute: str | None, subgroup: str | None) -> Stated:
    if measure == "auroc":
        if attribute is None:
            return stated(window["overall"].get("auroc"))
        entry = window["attributes"].get(attribute) or {"subgroups": {}}
        return stated((entry["subgroups"].get(subgroup) or {}).get("auroc"))
    mix = window["case_mix"] or {}
    if attribute is None:
        return stated(mix.get(measure))
    cells = (mix.get("attributes") or {}).get(attribute) or {}
    return stated((cells.get(subgroup) or {}).get(measure))


def over_time(audit: Audit, plots: Mapping[str, DrawnPlot]) -> dict[str, Any] | None:
    """Returns what the template shows; None for an audit without windows."""
    windows = _windows(audit)
    if not windows:
        return None
    drawn = [plots.get(f"windows_{m}_{k + 1}") for k in range(len(audit.first.attributes)) for m in _SHOWN]
    return {
        "lead": _lead(audit, windows),
        "alarms": _latest(audit.raw.get("alarms") or []),
        "plots": [plot for plot in drawn if plot],
        "table": _windows_table(audit, windows),
        "alarms_table": _alarms_table(audit.raw.get("alarms") or []),
    }


def _lead(audit: Audit, windows: _Windows) -> str:
    unit = audit.raw["windows"].get("window")
    stretch = {"month": "month by month", "quarter": "quarter by quarter"}.get(str(unit), f"every {unit} days")
    own = [str(name) for name in audit.raw["windows"]["reference"]["windows"]]
    against = f"the first ({enumerate_words(own[:3])}{' and more' if len(own) > 3 else ''})" if own else "another audit"
    n = len(audit.raw.get("alarms") or [])
    told = {0: "No alarm was raised.", 1: "One alarm was raised:"}.get(n, f"{n} alarms were raised:")
    return (
        f"From {windows[0]['start']} on, the images were looked at {stretch}, {len(windows)} times, and compared with "
        f"{against}. {told}"
    )


def _latest(alarms: _Windows) -> list[str]:
    """Returns a sentence for each quantity with an alarm: its latest, and how many there are."""
    by_quantity: dict[tuple[str, str | None, str | None], list[Mapping[str, Any]]] = {}
    for alarm in alarms:
        by_quantity.setdefault(_key(alarm), []).append(alarm)
    return [
        alarm_words(found[-1]) + (f" {len(found)} alarms, the first in {found[0]['window']}." if len(found) > 1 else "")
        for found in by_quantity.values()
    ]


def _windows_table(audit: Audit, windows: _Windows) -> Table:
    attributes = audit.first.attributes
    table = Table(
        "windows",
        "Window by window",
        [
            "window", "images", "patients", "without a label", "prevalence", "AUROC",
            *(f"worst group, {attribute_words(name)}" for name in attributes), "alarms",
        ],
    )  # fmt: skip
    for window in windows:
        worst = [stated((window["attributes"].get(name) or {}).get("worst_group_auroc")) for name in attributes]
        n_alarms = sum(alarm["window"] == window["name"] for alarm in audit.raw.get("alarms") or [])
        table.add(
            shorten(str(window["name"]), 20),
            [
                *(Cell(str(window[key])) for key in ("n", "n_patients", "n_without_label")),
                Cell(percent(stated(window["prevalence"]).value)),
                table.value(stated(window["overall"].get("auroc"))),
                *(table.value(value, detail=shorten(value.subgroup or "", 40)) for value in worst),
                Cell("reference" if window["reference"] else str(n_alarms)),
            ],
        )
    return table


def _alarms_table(alarms: _Windows) -> Table | None:
    if not alarms:
        return None
    table = Table("alarms", "Every alarm", ["window", "what", "deviate", "its limit", "cumulative sum", "its limit"])
    for alarm in alarms:
        numbers = [stated(alarm.get(key)).value for key in ("z", "z_limit", "cusum", "cusum_limit")]
        words = alarm_words(alarm).partition(": ")[2]
        table.add(
            shorten(str(alarm["window"]), 20),
            [Cell(words, numeric=False), *(Cell(number(value, 2)) for value in numbers)],
        )
    return table
