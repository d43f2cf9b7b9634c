"""Values with their intervals, a row a subgroup and a panel a measure: forest plots of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.plots_layout import canvas, panel, plot_text, text_width
from monai_fairtune.report.plots_style import BAND, INK, MUTED, WIDE
from monai_fairtune.report.stored import SUPPRESSED, Stated
from monai_fairtune.report.wording import number, shorten, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["OVERALL_MARKER", "IntervalPanel", "IntervalRow", "interval_figure", "told_rows"]

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


def interval_figure(rows: Sequence[IntervalRow], panels: Sequence[IntervalPanel], width: float) -> Figure:
    """Draws the panels side by side where there is room, and below one another where there is not."""
    wide = width >= WIDE
    labels = [row.label for row in rows]
    left = min((0.28 if wide else 0.36) * width, max(text_width(label, 8.5) for label in labels) + 8)
    columns = len(panels) if wide else 1
    tall = _ROW * len(rows) + _TOP + _BOTTOM
    figure = canvas(width, tall * (1 if wide else len(panels)))
    across = (width - left) / columns - _NUMBERS - 6
    for k, shown in enumerate(panels):
        column, down = (k, 0) if wide else (0, len(panels) - 1 - k)
        bottom = _BOTTOM + down * tall
        axes = panel(figure, left + column * (across + _NUMBERS + 6), bottom, across, _ROW * len(rows))
        _draw(axes, rows, [row.values[k] for row in rows], shown)
        if column == 0:
            axes.set_yticks(range(len(rows)), [shorten(label, int(left / 5.0)) for label in reversed(labels)])
            for tick, row in zip(axes.get_yticklabels(), reversed(rows), strict=True):
                tick.set(color=INK, fontweight="bold" if row.reference else "normal", fontsize=8.5)
    return figure


def _draw(axes: Axes, rows: Sequence[IntervalRow], values: Sequence[Stated], shown: IntervalPanel) -> None:
    axes.set_title(plot_text(shown.title, "value"), fontsize=8.5)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.set_yticks([])
    axes.set_xlim(*_limits(values, shown))
    axes.locator_params(axis="x", nbins=4)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    if shown.line is not None:
        axes.axvline(shown.line, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    for y, (row, value) in enumerate(zip(reversed(rows), reversed(values), strict=True)):
        _mark(axes, y, row, value, shown)


def _mark(axes: Axes, y: int, row: IntervalRow, value: Stated, shown: IntervalPanel) -> None:
    if row.reference:
        axes.axhspan(y - 0.5, y + 0.5, color=BAND, zorder=0, linewidth=0)
    place: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "va": "center_baseline"}
    if value.value is None:
        text = SUPPRESSED if value.suppressed else "not defined"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.annotate(
            text, (0, y), (4, 0), xycoords=("axes fraction", "data"), color=MUTED, fontsize=8, bbox=box, **place
        )
        return
    colour = row.marker["markeredgecolor"]
    if value.has_interval:
        axes.plot([value.low or 0.0, value.high or 0.0], [y, y], color=colour, linewidth=1.6, zorder=2)
    axes.plot([value.value], [y], markersize=6, linestyle="none", zorder=3, clip_on=False, **row.marker)
    text, weight = plot_text(shown.told(value.value), "-"), "bold" if row.reference else "normal"
    axes.annotate(
        text, (1, y), (_NUMBERS - 2, 0), xycoords=("axes fraction", "data"), ha="right", fontweight=weight, **place
    )


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
