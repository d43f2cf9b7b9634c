"""What can be had at once: two objectives of every complete trial, and the front of those that nothing beats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.plots_layout import auroc_limits, canvas, panel, plot_text
from monai_fairtune.report.plots_style import ACCENT, INK, MUTED, Plot
from monai_fairtune.report.plots_trials import MARKS, RING, Trials, sorted_trials, value_of
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import finite
from monai_fairtune.report.wording import number, objective_words, printable, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["pareto_plot"]


def pareto_plot(reading: Reading, key: str) -> Plot | None:
    """Returns the deciding objective against the second one, or the overall AUROC; None for fewer than two trials."""
    second = _second(reading)
    kinds = {
        kind: [trial for trial in trials if _other(trial, second) is not None]
        for kind, trials in sorted_trials(reading).items()
        if kind in {"anchor", "good", "repeat", "infeasible"}
    }
    if sum(map(len, kinds.values())) < 2:
        return None
    words, other = objective_words(reading.objective), objective_words(second)
    front = {one["trial"] for one in reading.raw.get("pareto_front") or []}
    told = f" Line: the Pareto front, {len(front)} masks that no other beats by both." if front else ""
    anchors = "; ".join(
        f"{trial.get('name')} {number(_other(trial, second))}, {number(value_of(trial))}" for trial in kinds["anchor"]
    )
    return Plot(
        key,
        f"{words[0].upper()}{words[1:]} against {other} on validation",
        f"Each complete trial. Diamonds: fixed methods; squares: repeats with another seed; open dots miss the utility "
        f"floor; ring: the chosen trial.{told} Single trainings: differences below the noise of seeds mean nothing.",
        f"Scatter plot of {other} and {words} on validation. Fixed methods: {anchors}.",
        lambda width: _draw(reading, kinds, second, front, width),
    )


def _second(reading: Reading) -> str:
    names = [str(goal["name"]) for goal in reading.raw.get("objectives") or []]
    return names[1] if len(names) > 1 else "overall_auroc"


def _other(trial: Mapping[str, Any], second: str) -> float | None:
    if second in ("overall_auroc", "trained_share"):
        return finite(trial.get(second))
    values = trial.get("values") or []
    return finite(values[1]) if len(values) > 1 else None


def _draw(reading: Reading, kinds: Mapping[str, Trials], second: str, front: set[int], width: float) -> Figure:
    height = 250.0
    figure = canvas(width, height)
    axes = panel(figure, 34, 34, width - 34 - 66, height - 56)
    title = plot_text(objective_words(reading.objective), "objective")
    axes.set_title(title, fontweight="normal", fontsize=8, color=MUTED)
    trials = [trial for each in kinds.values() for trial in each]
    places = {trial["number"]: (_other(trial, second) or 0.0, value_of(trial) or 0.0) for trial in trials}
    line = sorted(places[at] for at in front if at in places)
    if line:
        axes.plot(*zip(*line, strict=True), color=ACCENT, linewidth=1.2, zorder=1)
    for kind, each in kinds.items():
        if each:
            axes.plot(*zip(*(places[t["number"]] for t in each), strict=True), linestyle="none", **MARKS[kind])
    chosen = reading.chosen_finalist.get("trial")
    if chosen in places:
        axes.plot(*places[chosen], linestyle="none", zorder=5, **{**RING, "markersize": 10})
    axes.set_ylim(*auroc_limits([y for _, y in places.values()]))
    if second.endswith("auroc"):
        axes.set_xlim(*auroc_limits([x for x, _ in places.values()]))
    axes.set_xlabel(plot_text(objective_words(second), "objective"))
    for trial in kinds["anchor"]:
        name = plot_text(shorten(printable(str(trial.get("name") or "")), 16), "anchor")
        offset: dict[str, Any] = {"xytext": (7, 0), "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(name, places[trial["number"]], va="center", fontsize=8, color=INK, **offset)
    return figure
