"""The AUROC gap of each attribute against what chance alone produces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_labels import LINE, Entry, draw_key, key_lines
from monai_fairtune.report.plots_layout import canvas, panel, plot_text, text_width
from monai_fairtune.report.plots_style import ACCENT, INK, WIDE, Plot
from monai_fairtune.report.stored import Stated
from monai_fairtune.report.wording import number, probability, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["gaps_plot"]

_ROW = 26.0
_CHANCE = "#cfd6dd"
_KEY: list[Entry] = [
    ("gap and its interval", {"marker": "D", "markersize": 5.5, "color": ACCENT}),
    ("chance alone: 95 of 100 gaps", {"color": _CHANCE, "linewidth": 7, "linestyle": "-", "solid_capstyle": "butt"}),
    ("chance alone: mean", {"color": INK, "linewidth": 0, "marker": "|", "markersize": 10}),
]


@dataclass(frozen=True)
class _Gap:
    label: str
    value: Stated
    mean: float | None
    high: float | None
    p: float | None


def gaps_plot(assessed: Assessed, key: str) -> Plot | None:
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
    return Plot(
        key,
        "AUROC gap against chance",
        "The gap is the highest minus the lowest subgroup AUROC. It is above zero by chance even where all subgroups "
        "are alike: the bar shows how far, by permuting the subgroups among patients. A gap inside the bar is not "
        "distinguishable from chance.",
        "Gap of each attribute against its permutation null. " + "; ".join(told) + ".",
        lambda width: _draw(gaps, width),
    )


def _draw(gaps: Sequence[_Gap], width: float) -> Figure:
    lines = key_lines(_KEY, width - 8)
    left = min(0.3 * width, max(text_width(gap.label) for gap in gaps) + 8)
    right = 92.0 if width >= WIDE else 62.0
    height = _ROW * len(gaps) + LINE * len(lines) + 50
    figure = canvas(width, height)
    draw_key(figure, lines, 2, height - 4)
    axes = panel(figure, left, 34, width - left - right, _ROW * len(gaps))
    axes.set_xlim(0, 1.06 * max(end for g in gaps for end in (g.value.value, g.value.high, g.high) if end is not None))
    axes.set_ylim(-0.5, len(gaps) - 0.5)
    axes.set_yticks(range(len(gaps)), [shorten(gap.label, int(left / 5.0)) for gap in reversed(gaps)])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=8.5)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("AUROC gap")
    for y, gap in enumerate(reversed(gaps)):
        _row(axes, y, gap, wide=width >= WIDE)
    return figure


def _row(axes: Axes, y: int, gap: _Gap, *, wide: bool) -> None:
    axes.barh([y], [gap.high or 0.0], height=0.46, color=_CHANCE, zorder=1, linewidth=0)
    if gap.mean is not None:
        axes.plot([gap.mean] * 2, [y - 0.3, y + 0.3], color=INK, linewidth=1.2, zorder=2)
    if gap.value.has_interval:
        axes.plot([gap.value.low or 0.0, gap.value.high or 0.0], [y, y], color=ACCENT, linewidth=1.6, zorder=3)
    axes.plot([gap.value.value or 0.0], [y], "D", markersize=6, color=ACCENT, zorder=4)
    text = f"{number(gap.value.value)}, {probability(gap.p)}" if wide else probability(gap.p)
    axes.annotate(
        text,
        (1, y),
        (88 if wide else 60, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="center_baseline",
        annotation_clip=False,
    )
