"""The progress of the search (Figure 5 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.plots_labels import LINE, Entry, draw_key, key_lines
from monai_fairtune.report.plots_layout import auroc_limits, canvas, keep_apart, leader, panel, plot_text, text_width
from monai_fairtune.report.plots_style import ACCENT, INK, MUTED, Plot
from monai_fairtune.report.plots_trials import MARKS, RING, Trials, sorted_trials, value_of
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.wording import number, objective_words, printable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["progress_plot"]


def _best_so_far(reading: Reading) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for trial in sorted(reading.raw.get("trials") or [], key=lambda trial: trial["number"]):
        value = value_of(trial)
        if value is None or trial.get("state") != "complete" or trial.get("feasible") is False:
            continue
        if not points or reading.better(value, points[-1][1]):
            points.append((float(trial["number"]), value))
    return points


def progress_plot(reading: Reading, key: str) -> Plot | None:
    """Returns the value of every trial in order; None if no trial has a value."""
    kinds = sorted_trials(reading)
    if not any(kinds[kind] for kind in kinds if kind != "lost"):
        return None
    words = objective_words(reading.objective)
    counts = reading.raw.get("n_trials") or {}
    told = ", ".join(
        f"{counts[state]} {state}" for state in ("complete", "pruned", "failed", "duplicate") if state in counts
    )
    best = _best_so_far(reading)
    climbed = f" The best improved last at trial {best[-1][0]:.0f}, to {number(best[-1][1])}." if best else ""
    return Plot(
        key,
        f"The search: {words} on validation, trial by trial",
        "Dots: searched masks; squares: masks trained again with another seed; diamonds: fixed methods, their values "
        "carried to the right for comparison; line: the best so far. Triangles were stopped early, open dots miss the "
        f"utility floor, crosses at the foot have no value. Trials: {told}.",
        f"Scatter plot of {words} on validation by trial number, {told}.{climbed}",
        lambda width: _draw_progress(reading, kinds, best, words, width),
    )


def _draw_progress(
    reading: Reading, kinds: Mapping[str, Trials], best: Sequence[tuple[float, float]], words: str, width: float
) -> Figure:
    names = [plot_text(shorten(printable(str(trial.get("name") or "")), 16), "anchor") for trial in kinds["anchor"]]
    right = max([0.0, *(text_width(name) for name in names)]) + 44
    key = _mark_key(kinds, width)
    tall = 184.0
    figure = canvas(width, tall + 58 + LINE * len(key))
    draw_key(figure, key, 4, tall + 58 + LINE * len(key) - 3)
    axes = panel(figure, 34, 32, width - 34 - right, tall)
    axes.set_title(plot_text(words, "objective"), fontweight="normal", fontsize=8, color=MUTED)
    last = max(trial["number"] for trial in reading.raw["trials"])
    axes.set_xlim(-0.03 * last - 0.5, last + 0.03 * last + 0.5)
    axes.set_ylim(*auroc_limits([v for kind in MARKS for v in map(value_of, kinds[kind]) if v is not None]))
    for kind, marks in MARKS.items():
        trials = kinds[kind]
        axes.plot([t["number"] for t in trials], [value_of(t) or 0.0 for t in trials], linestyle="none", **marks)
    lost = [trial["number"] for trial in kinds["lost"]]
    axes.plot(lost, [0.025] * len(lost), "x", color=MUTED, markersize=4, transform=axes.get_xaxis_transform())
    if best:
        xs, ys = zip(*best, (float(last), best[-1][1]), strict=True)
        axes.step(xs, ys, where="post", color=ACCENT, linewidth=1.6, zorder=2.5)
    _mark_chosen(axes, reading)
    _anchor_lines(axes, kinds["anchor"], names, tall)
    axes.set_xlabel("trial")
    _whole_numbers(axes)
    return figure


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    axes.grid(visible=False, axis="x")


def _mark_chosen(axes: Axes, reading: Reading) -> None:
    number_ = reading.chosen_finalist.get("trial")
    trial = next((t for t in reading.raw["trials"] if t["number"] == number_ and value_of(t) is not None), None)
    if trial is not None:
        ring: dict[str, Any] = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "markeredgecolor": ACCENT}
        axes.plot([trial["number"]], [value_of(trial) or 0.0], linestyle="none", markeredgewidth=1.8, zorder=5, **ring)


def _anchor_lines(axes: Axes, anchors: Trials, names: Sequence[str], height: float) -> None:
    low, high = axes.get_ylim()
    unit = (high - low) / height
    end = axes.get_xlim()[1]
    values = [value_of(trial) or 0.0 for trial in anchors]
    for trial, value, name, y in zip(anchors, values, names, keep_apart(values, 11 * unit, low, high), strict=True):
        axes.plot([trial["number"], end], [value, value], color="#cbd2d9", linewidth=0.7, zorder=1)
        axes.annotate(
            f"{number(value)}  {name}",
            (end, value),
            (12, (y - value) / unit),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
            arrowprops=leader((y - value) / unit),
            annotation_clip=False,
        )


_KEY = {
    "good": "searched",
    "repeat": "repeat with another seed",
    "anchor": "fixed method",
    "pruned": "stopped early",
    "infeasible": "below utility floor",
    "lost": "no value",
    "chosen": "chosen",
}


def _mark_key(kinds: Mapping[str, Trials], width: float) -> list[list[Entry]]:
    """Returns the key of the marks that occur, as lines."""
    marks = {**MARKS, "lost": {"marker": "x", "color": MUTED, "markersize": 4}, "chosen": RING}
    shown = [kind for kind in _KEY if kind == "chosen" or kinds[kind]]
    entries = [(_KEY[kind], {key: value for key, value in marks[kind].items() if key != "zorder"}) for kind in shown]
    return key_lines(entries, width - 6)
