"""Every plot of a result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monai_fairtune.report.drawn import DrawnPlot, draw_all
from monai_fairtune.report.plots_components import components_plot
from monai_fairtune.report.plots_curves import curves_plot
from monai_fairtune.report.plots_progress import progress_plot
from monai_fairtune.report.plots_selection import selection_plot
from monai_fairtune.report.plots_share import share_plot
from monai_fairtune.report.plots_style import Plot
from monai_fairtune.report.plots_subgroups import subgroup_auroc_plot
from monai_fairtune.report.reading import Reading

__all__ = ["DrawnPlot", "draw_plots", "plots"]


def plots(reading: Reading) -> Iterator[Plot]:
    """Yields the plots that this result has data for.

    With several attributes, the second's files end in ``_2``, and so on.
    """
    for position, attribute in enumerate(reading.attributes):
        suffix = f"_{position + 1}" if position else ""
        yield from _known(subgroup_auroc_plot(reading, attribute, f"subgroup_auroc{suffix}"))
        yield from _known(curves_plot(reading, attribute, f"curves{suffix}"))
    yield from _known(selection_plot(reading, "selection"))
    yield from _known(components_plot(reading, "components"))
    yield from _known(progress_plot(reading, "search"))
    yield from _known(share_plot(reading, "trained_share"))


def _known(plot: Plot | None) -> list[Plot]:
    return [] if plot is None else [plot]


def draw_plots(reading: Reading, folder: Path) -> dict[str, DrawnPlot]:
    """Draws every plot of a result, writes it into ``folder``, and returns them by key."""
    return draw_all(plots(reading), folder)
