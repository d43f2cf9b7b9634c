"""How much choosing flattered the chosen: the objective on validation, selection and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.plots_labels import method_label
from monai_fairtune.report.plots_layout import auroc_limits, canvas, keep_apart, leader, panel, plot_text, text_width
from monai_fairtune.report.plots_style import ACCENT, INK, MUTED, QUIET, WIDE, Plot
from monai_fairtune.report.reading import Method, Reading
from monai_fairtune.report.stored import objective_value, stated
from monai_fairtune.report.wording import number, objective_words, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["selection_plot"]


@dataclass(frozen=True)
class _Line:
    label: str
    values: tuple[float | None, float | None, float | None]
    seeds: tuple[float, ...]
    kind: str


def selection_plot(reading: Reading, key: str) -> Plot | None:
    """Returns one line a model across the three splits; None if fewer than two splits have values."""
    lines = [*_others(reading), *(_of_method(reading, method) for method in reading.methods)]
    if sum(any(line.values[k] is not None for line in lines) for k in range(3)) < 2:
        return None
    words = objective_words(reading.objective)
    alt = [f"{line.label}: " + ", ".join(number(value) for value in line.values) for line in lines]
    return Plot(
        key,
        f"{words} from validation to test",
        "One line a model. A mask is picked because it did well on validation, so its value there is flattered; "
        "finalists are therefore trained again and compared on the selection split (small dots: single seeds; line: "
        "their mean), and the test split is read last. Dashed lines are finalists that were not chosen.",
        f"Line plot of {words} on validation, selection and test. " + "; ".join(alt) + ".",
        lambda width: _draw(lines, words, width),
    )


def _of_method(reading: Reading, method: Method) -> _Line:
    test = objective_value(method.reports.get("test"), reading.objective, reading.attributes).value
    seeds = reading.chosen_finalist.get("selection_values") or () if method.chosen else ()
    kind = "final" if method.chosen else "best" if method is reading.best_fixed else "fixed"
    known = tuple(value for value in map(_number, seeds) if value is not None)
    return _Line(method_label(method), (method.validation.value, method.selection.value, test), known, kind)


def _others(reading: Reading) -> list[_Line]:
    anchors = {anchor.name for anchor in reading.anchors}
    return [
        _Line(
            plot_text(shorten(str(finalist.get("name") or ""), 24), "finalist"),
            (_number(finalist.get("value")), _number(finalist.get("selection_value")), None),
            tuple(v for v in map(_number, finalist.get("selection_values") or []) if v is not None),
            "finalist",
        )
        for finalist in reading.raw.get("finalists") or []
        if not finalist.get("chosen") and finalist.get("name") not in anchors
    ]


def _number(entry: object) -> float | None:
    return stated(entry).value


def _draw(lines: Sequence[_Line], words: str, width: float) -> Figure:
    wide = width >= WIDE
    right = max(text_width(line.label, bold=True) for line in lines) + 52
    right = min(right, 0.46 * width)
    height = 250.0 if wide else 240.0
    figure = canvas(width, height)
    axes = panel(figure, 34, 28, width - 34 - right, height - 52)
    values = [v for line in lines for v in (*line.values, *line.seeds) if v is not None]
    axes.set_ylim(*auroc_limits(values))
    axes.set_xlim(-0.08, 2.03)
    axes.set_xticks(range(3), ["validation", "selection", "test"])
    axes.tick_params(axis="x", labelsize=8.5, labelcolor=INK)
    axes.grid(visible=False, axis="x")
    axes.set_title(plot_text(words, "objective"), fontweight="normal", fontsize=8, color=MUTED)
    for line in lines:
        _draw_line(axes, line)
    _labels(axes, lines, height - 52, int((right - 46) / 5.6))
    return figure


_LOOKS: dict[str, dict[str, Any]] = {
    "final": {"color": ACCENT, "linewidth": 2.4, "markersize": 6, "zorder": 5},
    "best": {"color": INK, "linewidth": 1.4, "markersize": 4.5, "zorder": 4},
    "fixed": {"color": QUIET, "linewidth": 1.0, "markersize": 3.5, "zorder": 3},
    "finalist": {"color": ACCENT, "linewidth": 0.9, "markersize": 3.5, "zorder": 2, "dashes": (3, 2)},
}


def _draw_line(axes: Axes, line: _Line) -> None:
    looks = _LOOKS[line.kind]
    known = [(x, value) for x, value in enumerate(line.values) if value is not None]
    axes.plot([x for x, _ in known], [value for _, value in known], marker="o", clip_on=False, **looks)
    axes.plot([1] * len(line.seeds), line.seeds, "o", color=looks["color"], markersize=2.2, alpha=0.75, zorder=6)


def _labels(axes: Axes, lines: Sequence[_Line], height: float, limit: int) -> None:
    shown = [(line, line.values[2]) for line in lines if line.values[2] is not None]
    low, high = axes.get_ylim()
    unit = (high - low) / height
    places = keep_apart([value or 0.0 for _, value in shown], 11 * unit, low, high)
    for (line, value), y in zip(shown, places, strict=True):
        moved = (y - (value or 0.0)) / unit
        colour = ACCENT if line.kind == "final" else INK if line.kind == "best" else MUTED
        axes.annotate(
            f"{number(value)}  {shorten(line.label, limit)}",
            (2, value or 0.0),
            (12, moved),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=colour,
            fontweight="bold" if line.kind == "final" else "normal",
            arrowprops=leader(moved),
            annotation_clip=False,
        )
