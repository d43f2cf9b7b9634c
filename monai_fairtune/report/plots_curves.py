"""Train against validation AUROC of each subgroup, by epoch (Figures 1 and 3 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_labels import LINE, Entry, Look, draw_key, explained, key_lines, looks
from monai_fairtune.report.plots_layout import auroc_limits, canvas, keep_apart, panel, plot_text, text_width
from monai_fairtune.report.plots_style import INK, MUTED, WIDE, Plot
from monai_fairtune.report.reading import Method, Reading
from monai_fairtune.report.stored import stated
from monai_fairtune.report.wording import number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curves_plot"]

_Points = list[tuple[float, float]]


def curves_plot(reading: Reading, attribute: str, key: str) -> Plot | None:
    """Returns the curves of the final model beside those of full fine-tuning; None if no epoch was recorded."""
    subgroups = looks(reading, attribute)
    full = reading.anchor("full")
    shown = [(_title(method), method) for method in (reading.final, full) if method is not None and method.epochs]
    curves = {
        title: {
            (look.name, split): _curve(method, attribute, look.name, split) for look in subgroups for split in _SPLITS
        }
        for title, method in shown
    }
    curves = {title: lines for title, lines in curves.items() if any(lines.values())}
    if not curves:
        return None
    words = attribute_words(attribute)
    no_train = [title for title, lines in curves.items() if not any(lines[look.name, "train"] for look in subgroups)]
    note = f" Training curves were not recorded for: {', '.join(no_train)}." if no_train else ""
    return Plot(
        key,
        f"AUROC by epoch on train and validation, by subgroup of {words}",
        "Dashed, open marks: train; solid, filled marks: validation. Subgroups that are close on train and apart on "
        "validation show the fairness generalization gap: the model fits everybody in training and serves "
        "some worse on new data." + note + (_MANY if len(subgroups) > _MOST else "") + explained(subgroups),
        _alt(curves, subgroups, words),
        lambda width: _draw(curves, subgroups, width),
    )


_SPLITS = ("train", "validation")
_DASHED = (0, (3, 2))
_LINE_KEY: list[Entry] = [
    ("validation", {"color": MUTED, "linewidth": 1.9, "linestyle": "-"}),
    ("train", {"color": MUTED, "linewidth": 1.2, "linestyle": _DASHED}),
]


_MOST = 6
_MANY = " Of many subgroups, those with the lowest and the highest last validation value are coloured, the others grey."


def _title(method: Method) -> str:
    return f"final model ({method.name})" if method.chosen else "full fine-tuning (fixed method)"


def _curve(method: Method, attribute: str, subgroup: str, split: str) -> _Points:
    points = []
    for epoch in method.epochs:
        attributes: Mapping[str, Any] = (epoch.get(split) or {}).get("attributes") or {}
        value = stated((attributes.get(attribute) or {}).get(subgroup)).value
        if value is not None:
            points.append((float(epoch["epoch"]), value))
    return points


_Curves = Mapping[str, Mapping[tuple[str, str], _Points]]


def _alt(curves: _Curves, subgroups: Sequence[Look], words: str) -> str:
    told = [
        f"{title}, {look.label}: "
        + ", ".join(
            f"{split} ends at {number(lines[look.name, split][-1][1])}" for split in _SPLITS if lines[look.name, split]
        )
        for title, lines in curves.items()
        for look in subgroups
        if any(lines[look.name, split] for split in _SPLITS)
    ]
    return f"Line plots of AUROC by epoch and subgroup of {words}. " + "; ".join(told) + "."


def _draw(curves: _Curves, subgroups: Sequence[Look], width: float) -> Figure:
    wide = width >= WIDE
    columns = len(curves) if wide else 1
    rows = 1 if wide else len(curves)
    margin = min(max(text_width(look.label) for look in subgroups) + 14, 0.2 * width if wide else 0.36 * width)
    tall = 190.0 if wide else 170.0
    figure = canvas(width, rows * (tall + 62) + LINE)
    draw_key(figure, key_lines(_LINE_KEY, width), 2, rows * (tall + 62) + LINE - 2)
    across = (width - 34) / columns - margin - (10 if wide else 2)
    values = [value for lines in curves.values() for points in lines.values() for _, value in points]
    epochs = [epoch for lines in curves.values() for points in lines.values() for epoch, _ in points]
    for k, (title, lines) in enumerate(curves.items()):
        left = 32 + (k * (across + margin + 12) if wide else 0)
        axes = panel(figure, left, 34 + (0 if wide else (rows - 1 - k) * (tall + 62)), across, tall)
        axes.set_title(plot_text(shorten(title, int((across + margin) / 5.6)), "model"))
        axes.set_ylim(*auroc_limits(values))
        axes.set_xlim(min(epochs) - 0.04 * (max(epochs) - min(epochs) or 1), max(epochs) or 1)
        axes.set_xlabel("epoch")
        axes.grid(visible=False, axis="x")
        _whole_epochs(axes)
        _lines(axes, lines, subgroups)
        _end_labels(axes, lines, subgroups, tall, int((margin - 10) / 4.8))
        if k and wide:
            axes.set_yticklabels([])
    return figure


def _whole_epochs(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))


def _lines(axes: Axes, lines: Mapping[tuple[str, str], _Points], subgroups: Sequence[Look]) -> None:
    told = _told(lines, subgroups)
    for look in subgroups:
        for split in _SPLITS:
            points = lines[look.name, split]
            if not points:
                continue
            train = split == "train"
            if look not in told:
                xs, ys = zip(*points, strict=True)
                axes.plot(xs, ys, color="#b9c1c9", linewidth=0.7, linestyle=_DASHED if train else "-", zorder=1)
                continue
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                color=look.style.colour,
                linewidth=1.2 if train else 1.9,
                linestyle=_DASHED if train else "-",
                markersize=3.2 if train else 4.6,
                zorder=2 if train else 3,
                clip_on=False,
                markevery=1 if len(points) <= 12 else [-1],
                **{**look.marker, "markerfacecolor": "white" if train else look.style.colour},
            )


def _told(lines: Mapping[tuple[str, str], _Points], subgroups: Sequence[Look]) -> list[Look]:
    """Returns the subgroups that are drawn in colour and named: all of a few, the outermost of many."""
    if len(subgroups) <= _MOST:
        return list(subgroups)
    ended = [look for look in subgroups if lines[look.name, "validation"]]
    ended.sort(key=lambda look: lines[look.name, "validation"][-1][1])
    return [*ended[:1], *ended[1:][-1:]]


def _end_labels(
    axes: Axes, lines: Mapping[tuple[str, str], _Points], subgroups: Sequence[Look], height: float, limit: int
) -> None:
    """Names each subgroup where its validation curve ends, or its training curve where there is no other."""
    told = _told(lines, subgroups)
    ends = [(look, (lines[look.name, "validation"] or lines[look.name, "train"])) for look in told]
    ends = [(look, points) for look, points in ends if points]
    low, high = axes.get_ylim()
    unit = (high - low) / height
    places = keep_apart([points[-1][1] for _, points in ends], 11 * unit, low, high)
    for (look, points), y in zip(ends, places, strict=True):
        axes.annotate(
            shorten(look.label, limit),
            points[-1],
            (8, (y - points[-1][1]) / unit),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
            annotation_clip=False,
        )
