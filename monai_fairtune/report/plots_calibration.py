"""Calibration curves of each subgroup: what the model says against what is so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_labels import Look, explained, looks
from monai_fairtune.report.plots_multiples import MOST, multiples, omitted
from monai_fairtune.report.plots_panel import Panel
from monai_fairtune.report.plots_shapes import Drawing, ShapePlot
from monai_fairtune.report.plots_style import QUIET
from monai_fairtune.report.stored import finite
from monai_fairtune.report.wording import number

__all__ = ["calibration_plot"]

_Bins = list[Mapping[str, Any]]


def calibration_plot(assessed: Assessed, attribute: str, key: str) -> ShapePlot | None:
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
    return ShapePlot(
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


def _draw(bins: Mapping[Look, _Bins], width: float) -> Drawing:
    ends = [finite(b.get(key)) or 0.0 for found in bins.values() for b in found for key in _ENDS]
    top = min(1.0, math.ceil(10 * max(ends) - 1e-9) / 10)
    ticks = {end: f"{end:g}" for end in (0.0, top / 2, top)}
    names = ("predicted probability", "share positive")
    drawing, panels = multiples(list(bins), width, (-0.03 * top, 1.03 * top), ticks, names)
    for panel, (look, found) in zip(panels, bins.items(), strict=True):
        panel.line([0, top], [0, top], QUIET, 0.9)
        _points(panel, look, found)
    return drawing


_ENDS = ("mean_probability", "share_positive", "high")


def _points(panel: Panel, look: Look, found: Sequence[Mapping[str, Any]]) -> None:
    colour = look.style.colour
    for b in found:
        low, high = finite(b.get("low")), finite(b.get("high"))
        if low is not None and high is not None:
            panel.line([b["mean_probability"]] * 2, [low, high], colour, 1.1, opacity=0.75)
    panel.line([b["mean_probability"] for b in found], [b["share_positive"] for b in found], colour, 1.0)
    for b in found:
        panel.mark(b["mean_probability"], b["share_positive"], 4.6, **look.marker)
