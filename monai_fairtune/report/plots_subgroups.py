"""The main figure: each subgroup's AUROC on test under each method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_labels import LINE, Look, draw_key, explained, key_lines, looks, method_label
from monai_fairtune.report.plots_layout import auroc_limits, canvas, panel, plot_text, text_width
from monai_fairtune.report.plots_style import BAND, INK, MUTED, QUIET, WIDE, Plot
from monai_fairtune.report.reading import Method, Reading
from monai_fairtune.report.wording import number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["subgroup_auroc_plot"]

_ROW = 19.0


def subgroup_auroc_plot(reading: Reading, attribute: str, key: str) -> Plot | None:
    """Returns a row a method, a mark a subgroup; None if no subgroup has an AUROC on test.

    Args:
        reading: the result.
        attribute: whose subgroups to show.
        key: name of the plot's files.
    """
    subgroups = looks(reading, attribute)
    values = {method.name: _values(method, attribute, subgroups) for method in reading.methods}
    if not any(value is not None for row in values.values() for value in row):
        return None
    words = attribute_words(attribute)
    alt = [
        f"{name}: " + ", ".join(f"{look.label} {number(value)}" for look, value in zip(subgroups, row, strict=True))
        for name, row in values.items()
    ]
    return Plot(
        key,
        f"AUROC of each subgroup of {words} on test",
        "One row a method, one mark a subgroup; the line between the outermost marks is the AUROC gap. The further "
        "right the leftmost mark, the better the worst-off subgroup is served. The final model is shaded."
        + explained(subgroups),
        f"Dot plot of test AUROC by subgroup of {words} for each method. " + "; ".join(alt) + ".",
        lambda width: _draw(reading, attribute, subgroups, width),
    )


def _values(method: Method, attribute: str, subgroups: Sequence[Look]) -> list[float | None]:
    return [method.subgroup("test", attribute, look.name, "auroc").value for look in subgroups]


def _draw(reading: Reading, attribute: str, subgroups: Sequence[Look], width: float) -> Figure:
    methods = reading.methods
    labels = [method_label(method) for method in methods]
    left = min(0.36 * width, max(text_width(label, bold=True) for label in labels) + 8)
    right = 98.0 if width >= WIDE else 48.0
    key = key_lines([look.entry for look in subgroups], width - 8)
    height = _ROW * len(methods) + LINE * len(key) + 58
    figure = canvas(width, height)
    draw_key(figure, key, 2, height - 4)
    axes = panel(figure, left, 34, width - left - right, _ROW * len(methods))
    for row, method in enumerate(methods):
        _row(axes, len(methods) - 1 - row, method, _values(method, attribute, subgroups), subgroups)
    found = [v for method in methods for v in _values(method, attribute, subgroups) if v is not None]
    axes.set_xlim(*auroc_limits(found))
    axes.set_ylim(-0.5, len(methods) - 0.5)
    axes.set_yticks(range(len(methods)), [shorten(label, int(left / 5.2)) for label in reversed(labels)])
    for tick, method in zip(axes.get_yticklabels(), reversed(methods), strict=True):
        tick.set(color=INK, fontweight="bold" if method.chosen else "normal", fontsize=8.5)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("AUROC on test")
    _columns(axes, reading, attribute, wide=width >= WIDE)
    return figure


def _row(axes: Axes, y: float, method: Method, values: Sequence[float | None], subgroups: Sequence[Look]) -> None:
    if method.chosen:
        axes.axhspan(y - 0.5, y + 0.5, color=BAND, zorder=0, linewidth=0)
    known = [value for value in values if value is not None]
    if not known:
        return
    axes.plot([min(known), max(known)], [y, y], color=QUIET, linewidth=2.2 if method.chosen else 1.4, zorder=2)
    for look, value in zip(subgroups, values, strict=True):
        if value is not None:
            axes.plot([value], [y], markersize=6.5, linestyle="none", zorder=3, **look.marker)


def _columns(axes: Axes, reading: Reading, attribute: str, *, wide: bool) -> None:
    """Writes the numbers that the eye looks for beside the rows, as in a forest plot."""
    columns = [("worst_group_auroc", "worst", 44.0)] + ([("auroc_gap", "gap", 88.0)] if wide else [])
    for measure, heading, x in columns:
        place: dict[str, Any] = {
            "textcoords": "offset points",
            "xycoords": ("axes fraction", "data"),
            "annotation_clip": False,
        }
        top = len(reading.methods) - 0.5
        axes.annotate(heading, (1, top), (x, 4), ha="right", va="bottom", color=MUTED, fontsize=8, **place)
        for row, method in enumerate(reversed(reading.methods)):
            text = number(method.measure("test", attribute, measure).value)
            weight = "bold" if method.chosen else "normal"
            axes.annotate(
                plot_text(text, "-"), (1, row), (x, 0), ha="right", va="center_baseline", fontweight=weight, **place
            )
