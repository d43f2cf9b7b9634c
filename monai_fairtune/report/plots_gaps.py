"""The AUROC gap of each attribute against what chance alone produces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_labels import LINE, Entry, key_lines
from monai_fairtune.report.plots_layout import plot_text, text_width
from monai_fairtune.report.plots_panel import Panel, round_ticks
from monai_fairtune.report.plots_shapes import Drawing, Label, Lines, Mark, ShapePlot
from monai_fairtune.report.plots_style import ACCENT, INK, WIDE
from monai_fairtune.report.stored import Stated
from monai_fairtune.report.wording import number, probability, shorten

__all__ = ["gaps_plot"]

_ROW = 26.0
_CHANCE = "#cfd6dd"
_KEY: list[Entry] = [
    ("gap and its interval", {"marker": "D", "markersize": 5.5, "color": ACCENT}),
    ("chance alone: 95 of 100 gaps", {"color": _CHANCE, "linewidth": 7}),
    ("chance alone: mean", {"marker": "|", "markersize": 10, "color": INK}),
]


@dataclass(frozen=True)
class _Gap:
    label: str
    value: Stated
    mean: float | None
    high: float | None
    p: float | None


def gaps_plot(assessed: Assessed, key: str) -> ShapePlot | None:
    """Returns a row an attribute; None where no attribute has a gap with a null distribution."""
    gaps = [
        _Gap(
            plot_text(attribute_words(name), f"attribute {k + 1}"),
            assessed.measure(name, "auroc_gap"),
            *(assessed.chance(name, part) for part in ("null_mean", "null_high", "p_value")),
        )
        for k, name in enumerate(assessed.attributes)
    ]
    gaps = [gap for gap in gaps if gap.value.value is not None and gap.high is not None]
    if not gaps:
        return None
    told = [
        f"{gap.label}: gap {number(gap.value.value)}, by chance {number(gap.mean)} on average and below "
        f"{number(gap.high)} in 95 of 100 cases, {probability(gap.p)}"
        for gap in gaps
    ]
    return ShapePlot(
        key,
        "AUROC gap against chance",
        "The gap is the highest minus the lowest subgroup AUROC. It is above zero by chance even where all subgroups "
        "are alike: the bar shows how far, by permuting the subgroups among patients. A gap inside the bar is not "
        "distinguishable from chance.",
        "Gap of each attribute against its permutation null. " + "; ".join(told) + ".",
        lambda width: _draw(gaps, width),
    )


def _draw(gaps: Sequence[_Gap], width: float) -> Drawing:
    lines = key_lines(_KEY, width - 8)
    left = min(0.3 * width, max(text_width(gap.label) for gap in gaps) + 8)
    right = 92.0 if width >= WIDE else 62.0
    drawing = Drawing(width, _ROW * len(gaps) + LINE * len(lines) + 50)
    _draw_key(drawing, lines)
    most = 1.06 * max(end for g in gaps for end in (g.value.value, g.value.high, g.high) if end is not None)
    place = (left, 34, width - left - right, _ROW * len(gaps))
    panel = Panel(drawing, *place, (0.0, most), (-0.5, len(gaps) - 0.5))
    panel.x_axis(*round_ticks(0.0, most, 5), "AUROC gap")
    for y, gap in enumerate(reversed(gaps)):
        panel.row_label(y, shorten(gap.label, int(left / 5.0)))
        _row(panel, y, gap, wide=width >= WIDE)
    return drawing


def _draw_key(drawing: Drawing, lines: Sequence[Sequence[Entry]]) -> None:
    for row, line in enumerate(lines):
        x, y = 2.0, drawing.height - 4 - (row + 0.5) * LINE
        for entry in line:
            label, marks = entry
            if "marker" in marks:
                drawing.add(Mark((x + 4, y), marks["marker"], marks["markersize"], marks["color"], marks["color"]))
            else:
                drawing.add(Lines([[(x, y), (x + 13, y)]], marks["color"], marks["linewidth"]))
            drawing.add(Label((x + (11 if "marker" in marks else 17), y), label))
            x += 22 + text_width(label) + (0 if "marker" in marks else 6)


def _row(panel: Panel, y: int, gap: _Gap, *, wide: bool) -> None:
    panel.area([0.0, gap.high or 0.0], [y - 0.23] * 2, [y + 0.23] * 2, _CHANCE)
    if gap.mean is not None:
        panel.line([gap.mean] * 2, [y - 0.3, y + 0.3], INK, 1.2)
    if gap.value.has_interval:
        panel.line([gap.value.low or 0.0, gap.value.high or 0.0], [y, y], ACCENT, 1.6)
    panel.mark(gap.value.value or 0.0, y, 6, marker="D", markerfacecolor=ACCENT, markeredgecolor=ACCENT)
    text = f"{number(gap.value.value)}, {probability(gap.p)}" if wide else probability(gap.p)
    panel.beside(y, text, 88 if wide else 60)
