"""Numbers over time: a panel a subgroup, all at one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monai_fairtune.report.plots_labels import Look
from monai_fairtune.report.plots_multiples import MOST
from monai_fairtune.report.plots_panel import Panel, round_ticks
from monai_fairtune.report.plots_shapes import Drawing, Label
from monai_fairtune.report.plots_style import BAND, INK, MUTED, WIDE
from monai_fairtune.report.stored import SUPPRESSED, Stated
from monai_fairtune.report.wording import number

__all__ = ["Course", "courses_drawing", "told_courses"]

_LEFT, _GAP, _TOP, _BOTTOM, _TALL = 34.0, 28.0, 24.0, 20.0, 84.0
_LEAST = 0.2
"""What an axis spans at least, so that noise does not look large."""
_ALARM: dict[str, Any] = {"marker": "v", "markerfacecolor": INK, "markeredgecolor": INK}


@dataclass(frozen=True)
class Course:
    """A subgroup over time.

    Args:
        look: its label and marker.
        values: in each window.
        alarms: in which windows it has an alarm.
        reference: what it is held against; None where that is not known.
    """

    look: Look
    values: tuple[Stated, ...]
    alarms: tuple[bool, ...]
    reference: float | None = None


def told_courses(courses: Sequence[Course], windows: Sequence[str]) -> str:
    """Returns what the plot shows in words: the first and the last number of each subgroup."""
    return "; ".join(
        f"{course.look.label}: {number(course.values[0].value)} in {windows[0]}, {number(course.values[-1].value)} in "
        f"{windows[-1]}, {sum(course.alarms)} alarms"
        for course in courses
    )


def courses_drawing(courses: Sequence[Course], windows: Sequence[str], n_reference: int, width: float) -> Drawing:
    """Draws the first :data:`MOST` subgroups.

    Args:
        courses: at least one.
        windows: their names.
        n_reference: how many of them at the beginning are the reference.
        width: in points.
    """
    shown = courses[:MOST]
    columns = min(len(shown), 3) if width >= WIDE else 1
    rows = math.ceil(len(shown) / columns)
    across = (width - _LEFT + _GAP - 14) / columns - _GAP
    drawing = Drawing(width, rows * (_TALL + _TOP + _BOTTOM))
    ends = _ends(shown)
    for k, course in enumerate(shown):
        row, column = divmod(k, columns)
        left, bottom = _LEFT + column * (across + _GAP), _BOTTOM + (rows - 1 - row) * (_TALL + _TOP + _BOTTOM)
        panel = Panel(drawing, left, bottom, across, _TALL, (-0.5, len(windows) - 0.5), ends)
        ticks, labels = round_ticks(*ends, 4)
        panel.y_axis(ticks, labels if column == 0 else [""] * len(labels))
        _draw(panel, course, windows, n_reference)
    return drawing


def _draw(panel: Panel, course: Course, windows: Sequence[str], n_reference: int) -> None:
    if n_reference:
        panel.area([-0.5, n_reference - 0.5], [panel.ys[0]] * 2, [panel.ys[1]] * 2, BAND)
    panel.title(course.look.cut(int(panel.width / 5.4)))
    named = sorted({0, (len(windows) - 1) // 2, len(windows) - 1} if len(windows) > 2 else {0, len(windows) - 1})
    panel.x_axis(named, [windows[k] for k in named])
    if course.reference is not None:
        panel.line(panel.xs, [course.reference] * 2, MUTED, 0.9, dash=(3.6, 1.8))
    for x, (value, alarm) in enumerate(zip(course.values, course.alarms, strict=True)):
        if value.value is not None:
            if value.has_interval:
                panel.line([x, x], [value.low or 0.0, value.high or 0.0], course.look.marker["markeredgecolor"], 1.2)
            panel.mark(x, value.value, 4.5, **course.look.marker)
        if alarm:
            panel.mark(x, panel.ys[1], 6, **_ALARM)
    if all(value.value is None for value in course.values):
        withheld = any(value.suppressed for value in course.values)
        centre = (panel.left + panel.width / 2, panel.bottom + panel.height / 2)
        panel.drawing.add(Label(centre, SUPPRESSED if withheld else "not defined", 8, MUTED, anchor="middle"))


def _ends(courses: Sequence[Course]) -> tuple[float, float]:
    values = [value for course in courses for value in course.values]
    found = [end for value in values for end in (value.value, value.low, value.high) if end is not None]
    found += [course.reference for course in courses if course.reference is not None]
    if not found:
        return 0.0, 1.0
    low, high = min(found), max(found)
    room = max(0.06 * (high - low), (_LEAST - (high - low)) / 2)
    return low - room, high + room
