"""The progress of the search (Figure 5 of the paper), and what the size of a mask has to do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.plots_labels import LINE, Entry, draw_key, key_lines
from monai_fairtune.report.plots_style import (
    ACCENT,
    INK,
    MUTED,
    QUIET,
    Plot,
    auroc_limits,
    canvas,
    keep_apart,
    leader,
    panel,
    plot_text,
    text_width,
)
from monai_fairtune.report.reading import Reading, stated
from monai_fairtune.report.wording import number, objective_words, percent, printable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["progress_plot", "share_plot"]

_DOT = "#7ba3c0"
_Trials = Sequence[Mapping[str, Any]]


def _value(trial: Mapping[str, Any]) -> float | None:
    return stated(trial.get("value")).value


def _sorted_out(reading: Reading) -> dict[str, list[Mapping[str, Any]]]:
    """Returns the trials by how they are drawn; those of ``lost`` have no value."""
    kinds: dict[str, list[Mapping[str, Any]]] = {"anchor": [], "good": [], "infeasible": [], "pruned": [], "lost": []}
    for trial in reading.raw.get("trials") or []:
        if _value(trial) is None or trial.get("state") not in {"complete", "pruned"}:
            kinds["lost"].append(trial)
        elif trial["state"] == "pruned":
            kinds["pruned"].append(trial)
        elif trial.get("kind") == "anchor":
            kinds["anchor"].append(trial)
        else:
            kinds["infeasible" if trial.get("feasible") is False else "good"].append(trial)
    return kinds


def _best_so_far(reading: Reading) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for trial in sorted(reading.raw.get("trials") or [], key=lambda trial: trial["number"]):
        value = _value(trial)
        if value is None or trial.get("state") != "complete" or trial.get("feasible") is False:
            continue
        if not points or reading.better(value, points[-1][1]):
            points.append((float(trial["number"]), value))
    return points


def progress_plot(reading: Reading, key: str) -> Plot | None:
    """Returns the value of every trial in order; None if no trial has a value."""
    kinds = _sorted_out(reading)
    if not any(kinds[kind] for kind in kinds if kind != "lost"):
        return None
    words = objective_words(reading.objective)
    counts = reading.raw.get("n_trials") or {}
    told = ", ".join(f"{counts[state]} {state}" for state in ("complete", "pruned", "failed", "duplicate") if state in counts)
    best = _best_so_far(reading)
    climbed = f" The best rose last at trial {best[-1][0]:.0f}, to {number(best[-1][1])}." if best else ""
    return Plot(
        key,
        f"The search: {words} on validation, trial by trial",
        f"Dots: searched masks; diamonds: fixed methods, with their values carried to the right for comparison; line: "
        f"the best so far. Triangles were stopped early, open dots miss the utility floor, crosses at the foot have no "
        f"value. Trials: {told}.",
        f"Scatter plot of {words} on validation by trial number, {told}.{climbed}".replace("rose", "improved"),
        lambda width: _draw_progress(reading, kinds, best, words, width),
    )


_MARKS: dict[str, dict[str, Any]] = {
    "good": {"marker": "o", "color": _DOT, "markersize": 4.5, "zorder": 3},
    "infeasible": {"marker": "o", "color": QUIET, "markerfacecolor": "white", "markersize": 4.5, "zorder": 3},
    "pruned": {"marker": "v", "color": "#b3bcc5", "markersize": 3.8, "zorder": 2},
    "anchor": {"marker": "D", "color": INK, "markersize": 4.8, "zorder": 4},
}


def _draw_progress(
    reading: Reading, kinds: Mapping[str, _Trials], best: Sequence[tuple[float, float]], words: str, width: float
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
    axes.set_ylim(*_limits(kinds))
    for kind, marks in _MARKS.items():
        trials = kinds[kind]
        axes.plot([t["number"] for t in trials], [_value(t) or 0.0 for t in trials], linestyle="none", **marks)
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


def _limits(kinds: Mapping[str, _Trials]) -> tuple[float, float]:
    return auroc_limits([v for kind in _MARKS for v in map(_value, kinds[kind]) if v is not None])


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    axes.grid(visible=False, axis="x")


def _mark_chosen(axes: Axes, reading: Reading) -> None:
    number_ = reading.chosen_finalist.get("trial")
    trial = next((t for t in reading.raw["trials"] if t["number"] == number_ and _value(t) is not None), None)
    if trial is not None:
        ring = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "markeredgecolor": ACCENT}
        axes.plot([trial["number"]], [_value(trial) or 0.0], linestyle="none", markeredgewidth=1.8, zorder=5, **ring)


def _anchor_lines(axes: Axes, anchors: _Trials, names: Sequence[str], height: float) -> None:
    low, high = axes.get_ylim()
    unit = (high - low) / height
    end = axes.get_xlim()[1]
    values = [_value(trial) or 0.0 for trial in anchors]
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
    "anchor": "fixed method",
    "pruned": "stopped early",
    "infeasible": "below utility floor",
    "lost": "no value",
    "chosen": "chosen",
}


def _mark_key(kinds: Mapping[str, _Trials], width: float) -> list[list[Entry]]:
    """Returns the key of the marks that occur, as lines."""
    marks = {**_MARKS, "lost": {"marker": "x", "color": MUTED, "markersize": 4}, "chosen": _RING}
    shown = [kind for kind in _KEY if kind == "chosen" or kinds[kind]]
    entries = [(_KEY[kind], {key: value for key, value in marks[kind].items() if key != "zorder"}) for kind in shown]
    return key_lines(entries, width - 6)


_RING = {"marker": "o", "markersize": 7, "markerfacecolor": "none", "markeredgecolor": ACCENT, "markeredgewidth": 1.6}


def share_plot(reading: Reading, key: str) -> Plot | None:
    """Returns trained share against the objective on validation; None if fewer than two trials have both."""
    kinds = {
        kind: [t for t in trials if (stated(t.get("trained_share")).value or 0) > 0]
        for kind, trials in _sorted_out(reading).items()
        if kind in {"anchor", "good", "infeasible"}
    }
    if sum(map(len, kinds.values())) < 2:
        return None
    words = objective_words(reading.objective)
    told = [f"{trial.get('name')} {percent(trial['trained_share'])}: {number(_value(trial))}" for trial in kinds["anchor"]]
    return Plot(
        key,
        f"Trained share and {words} on validation",
        f"Each complete trial: the share of the network that it tunes (logarithmic) against its {words} on validation. "
        "Diamonds: fixed methods; ring: the chosen trial. All values are of one split and one seed.",
        f"Scatter plot of trained share against {words} on validation. Fixed methods: " + "; ".join(told) + ".",
        lambda width: _draw_share(reading, kinds, words, width),
    )


def _draw_share(reading: Reading, kinds: Mapping[str, _Trials], words: str, width: float) -> Figure:
    height = 230.0
    figure = canvas(width, height)
    axes = panel(figure, 34, 34, width - 34 - 56, height - 56)
    axes.set_title(plot_text(words, "objective"), fontweight="normal", fontsize=8, color=MUTED)
    for kind, trials in kinds.items():
        axes.plot(
            [t["trained_share"] for t in trials], [_value(t) or 0.0 for t in trials], linestyle="none", **_MARKS[kind]
        )
    chosen = reading.chosen_finalist.get("trial")
    for trial in (t for trials in kinds.values() for t in trials if t["number"] == chosen):
        axes.plot([trial["trained_share"]], [_value(trial) or 0.0], linestyle="none", zorder=5, **{**_RING, "markersize": 10})
    axes.set_ylim(*auroc_limits([_value(t) or 0.0 for trials in kinds.values() for t in trials]))
    _share_ticks(axes, [t["trained_share"] for trials in kinds.values() for t in trials])
    axes.set_xlabel("trained share of the network's parameters")
    for trial in kinds["anchor"]:
        name = plot_text(shorten(printable(str(trial.get("name") or "")), 16), "anchor")
        place = {"xytext": (7, 0), "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(name, (trial["trained_share"], _value(trial) or 0.0), va="center", fontsize=8, color=INK, **place)
    return figure


def _share_ticks(axes: Axes, shares: Sequence[float]) -> None:
    axes.set_xscale("log")
    low, high = min(shares) / 1.6, max(shares) * 1.6
    steps = (1, 2, 5) if high / low < 50 else (1,)
    ticks = [step * 10.0**power for power in range(-8, 1) for step in steps if low <= step * 10.0**power <= min(high, 1)]
    axes.set_xticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(low, high)
    axes.grid(visible=False, axis="x")
