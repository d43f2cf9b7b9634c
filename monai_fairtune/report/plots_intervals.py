"""Values with their intervals, a row a subgroup and a panel a measure: forest plots of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monai_fairtune.report.plots_layout import plot_text, text_width
from monai_fairtune.report.plots_panel import Panel, round_ticks
from monai_fairtune.report.plots_shapes import Area, Drawing, Label
from monai_fairtune.report.plots_style import BAND, INK, MUTED, WIDE
from monai_fairtune.report.stored import SUPPRESSED, Stated
from monai_fairtune.report.wording import number, shorten, signed

__all__ = ["OVERALL_MARKER", "IntervalPanel", "IntervalRow", "interval_drawing", "told_rows"]

_ROW, _TOP, _BOTTOM, _NUMBERS = 18.0, 24.0, 24.0, 38.0


@dataclass(frozen=True)
class IntervalPanel:
    """One measure.

    Args:
        title: above the panel.
        digits: decimals of the numbers beside it.
        line: where the reference line stands; None for no line.
        difference: whether its numbers are differences, which carry a sign.
        least: the panel spans at least this much, so that noise does not look large.
    """

    title: str
    digits: int = 3
    line: float | None = None
    difference: bool = False
    least: float = 0.04

    def told(self, value: float | None) -> str:
        """Returns a number as this panel writes it."""
        return signed(value, self.digits) if self.difference else number(value, self.digits)


@dataclass(frozen=True)
class IntervalRow:
    """One subgroup: its label, its value in each panel, its marker, and whether it is the reference of the others."""

    label: str
    values: tuple[Stated, ...]
    marker: dict[str, Any]
    reference: bool = False


def told_rows(rows: Sequence[IntervalRow], panels: Sequence[IntervalPanel]) -> str:
    """Returns what the figure shows in words."""
    told = []
    for row in rows:
        values = [f"{p.title} {_told(p, value)}" for p, value in zip(panels, row.values, strict=True)]
        told.append(f"{row.label}: {', '.join(values)}")
    return "; ".join(told)


def _told(shown: IntervalPanel, value: Stated) -> str:
    if value.value is None:
        return SUPPRESSED if value.suppressed else "not defined"
    ends = f" ({shown.told(value.low)} to {shown.told(value.high)})" if value.has_interval else ""
    return shown.told(value.value) + ends


def interval_drawing(rows: Sequence[IntervalRow], panels: Sequence[IntervalPanel], width: float) -> Drawing:
    """Draws the panels side by side where there is room, and below one another where there is not."""
    wide = width >= WIDE
    left = min((0.28 if wide else 0.36) * width, max(text_width(row.label, 8.5) for row in rows) + 8)
    columns = len(panels) if wide else 1
    tall = _ROW * len(rows) + _TOP + _BOTTOM
    drawing = Drawing(width, tall * (1 if wide else len(panels)))
    across = (width - left) / columns - _NUMBERS - 6
    for k, shown in enumerate(panels):
        column, down = (k, 0) if wide else (0, len(panels) - 1 - k)
        place = (left + column * (across + _NUMBERS + 6), _BOTTOM + down * tall)
        values = [row.values[k] for row in rows]
        panel = Panel(drawing, *place, across, _ROW * len(rows), _limits(values, shown), (-0.5, len(rows) - 0.5))
        _draw(panel, rows, values, shown)
        for y, row in enumerate(reversed(rows)):
            if column == 0:
                panel.row_label(y, shorten(row.label, int(left / 5.0)), bold=row.reference)
    return drawing


def _draw(panel: Panel, rows: Sequence[IntervalRow], values: Sequence[Stated], shown: IntervalPanel) -> None:
    panel.title(plot_text(shown.title, "value"))
    for y, row in enumerate(reversed(rows)):
        if row.reference:
            panel.area(panel.xs, [y - 0.5] * 2, [y + 0.5] * 2, BAND)
    panel.x_axis(*round_ticks(*panel.xs, 4))
    if shown.line is not None:
        panel.line([shown.line] * 2, panel.ys, MUTED, 0.9, dash=(3.6, 1.8))
    for y, (row, value) in enumerate(zip(reversed(rows), reversed(values), strict=True)):
        _mark(panel, y, row, value, shown)


def _mark(panel: Panel, y: int, row: IntervalRow, value: Stated, shown: IntervalPanel) -> None:
    if value.value is None:
        text, (left, middle) = SUPPRESSED if value.suppressed else "not defined", panel.place(panel.xs[0], y)
        right, reach = left + 6 + text_width(text, 8), 6.0
        under = [
            (left + 2, middle - reach),
            (right, middle - reach),
            (right, middle + reach),
            (left + 2, middle + reach),
        ]
        panel.drawing.add(Area(under, "#fff"), Label((left + 4, middle), text, 8, MUTED))
        return
    if value.has_interval:
        panel.line([value.low or 0.0, value.high or 0.0], [y, y], row.marker["markeredgecolor"], 1.6)
    panel.mark(value.value, y, 6, **row.marker)
    panel.beside(y, plot_text(shown.told(value.value), "-"), _NUMBERS - 2, bold=row.reference)


def _limits(values: Sequence[Stated], shown: IntervalPanel) -> tuple[float, float]:
    ends = [end for value in values for end in (value.value, value.low, value.high) if end is not None]
    ends += [] if shown.line is None else [shown.line]
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    room = max(0.06 * (high - low), (shown.least - (high - low)) / 2)
    return low - room, high + room


OVERALL_MARKER: dict[str, Any] = {"marker": "d", "markerfacecolor": INK, "markeredgecolor": INK}
"""How the reference row is marked."""
