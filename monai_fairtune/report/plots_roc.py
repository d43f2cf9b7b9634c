"""ROC curves of each subgroup with bands, against the curve of all images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_labels import Look, explained, looks
from monai_fairtune.report.plots_multiples import MOST, multiples, omitted
from monai_fairtune.report.plots_style import INK, QUIET, Plot
from monai_fairtune.report.stored import Stated
from monai_fairtune.report.wording import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["roc_plot"]


def roc_plot(assessed: Assessed, attribute: str, key: str) -> Plot | None:
    """Returns a panel a subgroup; None where no subgroup has a curve."""
    able = [look for look in looks(assessed, attribute) if assessed.curves(attribute, look.name).get("roc")]
    if not able:
        return None
    told = [f"{look.label}: AUROC {_told(assessed.subgroup(attribute, look.name, 'auroc'))}" for look in able[:MOST]]
    return Plot(
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


def _draw(assessed: Assessed, attribute: str, shown: Sequence[Look], width: float) -> Figure:
    figure, panels = multiples(shown, width, "FPR", "TPR")
    everybody: Mapping[str, Any] = (assessed.raw.get("curves") or {}).get("roc") or {}
    for look, axes in zip(shown, panels, strict=True):
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        ticks = [0, 0.25, 0.5, 0.75, 1]
        axes.set_xticks(ticks, ["0", "", "0.5", "", "1"])
        axes.set_yticks(ticks, ["0", "", "0.5", "", "1"])
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.7, linestyle=(0, (1, 2)))
        if everybody:
            axes.plot(everybody["fpr"], everybody["tpr"], color=QUIET, linewidth=1.3, zorder=2)
        _subgroup(axes, assessed, attribute, look)
    return figure


def _subgroup(axes: Axes, assessed: Assessed, attribute: str, look: Look) -> None:
    roc, colour = assessed.curves(attribute, look.name)["roc"], look.style.colour
    known = [k for k, (low, high) in enumerate(zip(roc["low"], roc["high"], strict=True)) if None not in (low, high)]
    axes.fill_between(
        [roc["fpr"][k] for k in known],
        [roc["low"][k] for k in known],
        [roc["high"][k] for k in known],
        color=colour,
        alpha=0.18,
        linewidth=0,
        zorder=1,
    )
    axes.plot(roc["fpr"], roc["tpr"], color=colour, linewidth=1.8, zorder=3)
    fpr, tpr = (assessed.subgroup(attribute, look.name, name).value for name in ("fpr", "tpr"))
    if fpr is not None and tpr is not None:
        axes.plot([fpr], [tpr], "o", markersize=6, markerfacecolor="white", markeredgecolor=colour, zorder=4)
    auroc = assessed.subgroup(attribute, look.name, "auroc")
    if auroc.value is not None:
        ends = f"{number(auroc.low)} to {number(auroc.high)}" if auroc.has_interval else ""
        for y, text in ((0.13, f"AUROC {number(auroc.value)}"), (0.04, ends)):
            axes.text(1.0, y, text, ha="right", va="bottom", fontsize=8, color=INK)
