"""Calibration curves of each subgroup: what the model says against what is so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_labels import Look, explained, looks
from monai_fairtune.report.plots_multiples import MOST, multiples, omitted
from monai_fairtune.report.plots_style import QUIET, Plot
from monai_fairtune.report.stored import finite
from monai_fairtune.report.wording import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["calibration_plot"]

_Bins = list[Mapping[str, Any]]


def calibration_plot(assessed: Assessed, attribute: str, key: str) -> Plot | None:
    """Returns a panel a subgroup; None where no subgroup has a curve."""
    bins = {look: _bins(assessed, attribute, look) for look in looks(assessed, attribute)}
    able = [look for look, found in bins.items() if found]
    if not able:
        return None
    told = [
        f"{look.label}: "
        + ", ".join(f"{number(b['mean_probability'], 2)} said, {number(b['share_positive'], 2)} so" for b in bins[look])
        for look in able[:MOST]
    ]
    return Plot(
        key,
        f"Calibration by subgroup of {attribute_words(attribute)}",
        "Each mark holds images of similar predicted probability: their mean prediction against the share of them "
        f"that is positive, with its {assessed.level} interval. On the diagonal the model says what is so; below it, "
        "it says too much." + omitted(len(able)) + explained(able),
        f"Calibration curves by subgroup of {attribute_words(attribute)}. " + "; ".join(told) + ".",
        lambda width: _draw({look: bins[look] for look in able[:MOST]}, width),
    )


def _bins(assessed: Assessed, attribute: str, look: Look) -> _Bins:
    found = assessed.curves(attribute, look.name).get("calibration") or []
    return [b for b in found if None not in (finite(b.get("mean_probability")), finite(b.get("share_positive")))]


def _draw(bins: Mapping[Look, _Bins], width: float) -> Figure:
    figure, panels = multiples(list(bins), width, "predicted probability", "share positive")
    ends = [finite(b.get(key)) or 0.0 for found in bins.values() for b in found for key in _ENDS]
    top = min(1.0, math.ceil(10 * max(ends) - 1e-9) / 10)
    for axes, (look, found) in zip(panels, bins.items(), strict=True):
        axes.set_xlim(-0.03 * top, 1.03 * top)
        axes.set_ylim(-0.03 * top, 1.03 * top)
        axes.set_xticks([0, top / 2, top], ["0", f"{top / 2:g}", f"{top:g}"])
        axes.set_yticks([0, top / 2, top], ["0", f"{top / 2:g}", f"{top:g}"])
        axes.plot([0, top], [0, top], color=QUIET, linewidth=0.9, zorder=1)
        _points(axes, look, found)
    return figure


_ENDS = ("mean_probability", "share_positive", "high")


def _points(axes: Axes, look: Look, found: Sequence[Mapping[str, Any]]) -> None:
    colour = look.style.colour
    for b in found:
        low, high = finite(b.get("low")), finite(b.get("high"))
        if low is not None and high is not None:
            axes.plot([b["mean_probability"]] * 2, [low, high], color=colour, linewidth=1.1, alpha=0.75, zorder=2)
    xs, ys = [b["mean_probability"] for b in found], [b["share_positive"] for b in found]
    axes.plot(xs, ys, color=colour, linewidth=1.0, markersize=4.6, zorder=3, **look.marker)
