"""Whether tuning more helps: trained share against the objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.plots_layout import auroc_limits, canvas, panel, plot_text
from monai_fairtune.report.plots_style import INK, MUTED, Plot
from monai_fairtune.report.plots_trials import MARKS, RING, Trials, sorted_trials, value_of
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import stated
from monai_fairtune.report.wording import number, objective_words, percent, printable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["share_plot"]


def share_plot(reading: Reading, key: str) -> Plot | None:
    """Returns trained share against the objective on validation; None if fewer than two trials have both."""
    kinds = {
        kind: [t for t in trials if (stated(t.get("trained_share")).value or 0) > 0]
        for kind, trials in sorted_trials(reading).items()
        if kind in {"anchor", "good", "infeasible"}
    }
    if sum(map(len, kinds.values())) < 2:
        return None
    words = objective_words(reading.objective)
    told = [
        f"{trial.get('name')} {percent(trial['trained_share'])}: {number(value_of(trial))}" for trial in kinds["anchor"]
    ]
    return Plot(
        key,
        f"Trained share and {words} on validation",
        f"Each complete trial: the share of the network that it tunes (logarithmic) against its {words} on validation. "
        "Diamonds: fixed methods; ring: the chosen trial. All values are of one split and one seed.",
        f"Scatter plot of trained share against {words} on validation. Fixed methods: " + "; ".join(told) + ".",
        lambda width: _draw_share(reading, kinds, words, width),
    )


def _draw_share(reading: Reading, kinds: Mapping[str, Trials], words: str, width: float) -> Figure:
    height = 230.0
    figure = canvas(width, height)
    axes = panel(figure, 34, 34, width - 34 - 56, height - 56)
    axes.set_title(plot_text(words, "objective"), fontweight="normal", fontsize=8, color=MUTED)
    for kind, trials in kinds.items():
        axes.plot(
            [t["trained_share"] for t in trials], [value_of(t) or 0.0 for t in trials], linestyle="none", **MARKS[kind]
        )
    chosen = reading.chosen_finalist.get("trial")
    for trial in (t for trials in kinds.values() for t in trials if t["number"] == chosen):
        axes.plot(
            [trial["trained_share"]], [value_of(trial) or 0.0], linestyle="none", zorder=5, **{**RING, "markersize": 10}
        )
    axes.set_ylim(*auroc_limits([value_of(t) or 0.0 for trials in kinds.values() for t in trials]))
    _share_ticks(axes, [t["trained_share"] for trials in kinds.values() for t in trials])
    axes.set_xlabel("trained share of the network's parameters")
    for trial in kinds["anchor"]:
        name = plot_text(shorten(printable(str(trial.get("name") or "")), 16), "anchor")
        place: dict[str, Any] = {"xytext": (7, 0), "textcoords": "offset points", "annotation_clip": False}
        axes.annotate(
            name, (trial["trained_share"], value_of(trial) or 0.0), va="center", fontsize=8, color=INK, **place
        )
    return figure


def _share_ticks(axes: Axes, shares: Sequence[float]) -> None:
    axes.set_xscale("log")
    low, high = min(shares) / 1.6, max(shares) * 1.6
    steps = (1, 2, 5) if high / low < 50 else (1,)
    ticks = [
        step * 10.0**power for power in range(-8, 1) for step in steps if low <= step * 10.0**power <= min(high, 1)
    ]
    axes.set_xticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(low, high)
    axes.grid(visible=False, axis="x")
