"""ROC curves of each subgroup with bands, against the curve of all images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_labels import Look, explained, looks
from monai_fairtune.report.plots_multiples import MOST, multiples, omitted
from monai_fairtune.report.plots_panel import Panel
from monai_fairtune.report.plots_shapes import Drawing, Label, ShapePlot
from monai_fairtune.report.plots_style import QUIET
from monai_fairtune.report.stored import Stated
from monai_fairtune.report.wording import number

__all__ = ["roc_plot"]

_TICKS = {0.0: "0", 0.25: "", 0.5: "0.5", 0.75: "", 1.0: "1"}


def roc_plot(assessed: Assessed, attribute: str, key: str) -> ShapePlot | None:
    """Returns a panel a subgroup; None where no subgroup has a curve."""
    able = [look for look in looks(assessed, attribute) if assessed.curves(attribute, look.name).get("roc")]
    if not able:
        return None
    told = [f"{look.label}: AUROC {_told(assessed.subgroup(attribute, look.name, 'auroc'))}" for look in able[:MOST]]
    return ShapePlot(
        key,
        f"ROC curves by subgroup of {attribute_words(attribute)}",
        f"Coloured: the subgroup, with its pointwise {assessed.level} band; grey: all images; ring: the operating "
        "point. Where the band lies below the grey curve, the subgroup is served less well."
        + omitted(len(able))
        + explained(able),
        f"ROC curves by subgroup of {attribute_words(attribute)}, TPR against FPR. " + "; ".join(told) + ".",
        lambda width: _draw(assessed, attribute, able[:MOST], width),
    )


def _told(value: Stated) -> str:
    ends = f" ({number(value.low)} to {number(value.high)})" if value.has_interval else ""
    return number(value.value) + ends


def _draw(assessed: Assessed, attribute: str, shown: Sequence[Look], width: float) -> Drawing:
    drawing, panels = multiples(shown, width, (-0.02, 1.02), _TICKS, ("FPR", "TPR"))
    everybody: Mapping[str, Any] = (assessed.raw.get("curves") or {}).get("roc") or {}
    for look, panel in zip(shown, panels, strict=True):
        _subgroup(panel, assessed, attribute, look, everybody)
    return drawing


def _subgroup(panel: Panel, assessed: Assessed, attribute: str, look: Look, everybody: Mapping[str, Any]) -> None:
    roc, colour = assessed.curves(attribute, look.name)["roc"], look.style.colour
    known = [k for k, (low, high) in enumerate(zip(roc["low"], roc["high"], strict=True)) if None not in (low, high)]
    panel.line([0, 1], [0, 1], QUIET, 0.7, dash=(0.7, 1.4))
    fprs, lows, highs = ([roc[key][k] for k in known] for key in ("fpr", "low", "high"))
    panel.area(fprs, lows, highs, colour, 0.18)
    if everybody:
        panel.line(everybody["fpr"], everybody["tpr"], QUIET, 1.3)
    panel.line(roc["fpr"], roc["tpr"], colour, 1.8)
    fpr, tpr = (assessed.subgroup(attribute, look.name, name).value for name in ("fpr", "tpr"))
    if fpr is not None and tpr is not None:
        panel.mark(fpr, tpr, 6, marker="o", markerfacecolor="#fff", markeredgecolor=colour)
    auroc = assessed.subgroup(attribute, look.name, "auroc")
    if auroc.value is not None:
        ends = [f"{number(auroc.low)} to {number(auroc.high)}"] if auroc.has_interval else []
        for y, text in zip((0.15, 0.06), [f"AUROC {number(auroc.value)}", *ends], strict=False):
            panel.drawing.add(Label(panel.place(1.0, y), text, 8, anchor="end", middle=False))
