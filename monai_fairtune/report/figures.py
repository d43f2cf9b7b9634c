"""Every plot of a result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.cautions import has_intervals
from monai_fairtune.report.comparison import against_best_fixed
from monai_fairtune.report.drawn import DrawnPlot, draw_all
from monai_fairtune.report.parts import attribute_plots
from monai_fairtune.report.plots_components import components_plot
from monai_fairtune.report.plots_curves import curves_plot
from monai_fairtune.report.plots_forest import harm_plot
from monai_fairtune.report.plots_gaps import gaps_plot
from monai_fairtune.report.plots_pareto import pareto_plot
from monai_fairtune.report.plots_progress import progress_plot
from monai_fairtune.report.plots_selection import selection_plot
from monai_fairtune.report.plots_shapes import ShapePlot
from monai_fairtune.report.plots_share import share_plot
from monai_fairtune.report.plots_style import Plot
from monai_fairtune.report.plots_subgroups import subgroup_auroc_plot
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.table_comparison import comparison_plot

__all__ = ["DrawnPlot", "draw_plots", "plots"]


def plots(reading: Reading) -> Iterator[Plot | ShapePlot]:
    """Yields the plots that this result has data for.

    With several attributes, the second's files end in ``_2``, and so on.
    """
    for position, attribute in enumerate(reading.attributes):
        suffix = f"_{position + 1}" if position else ""
        yield from _known(subgroup_auroc_plot(reading, attribute, f"subgroup_auroc{suffix}"))
        yield from _known(curves_plot(reading, attribute, f"curves{suffix}"))
        yield from _assessed(reading, attribute, suffix)
    test = Assessed(reading.final.reports.get("test") or {})
    if has_intervals(test.raw):
        yield from _known(harm_plot(test, reading.attributes, "harm"))
        yield from _known(gaps_plot(test, "gaps"))
    yield from _known(selection_plot(reading, "selection"))
    yield from _known(components_plot(reading, "components"))
    yield from _known(progress_plot(reading, "search"))
    yield from _known(pareto_plot(reading, "pareto"))
    yield from _known(share_plot(reading, "trained_share"))


def _assessed(reading: Reading, attribute: str, suffix: str) -> Iterator[Plot | ShapePlot]:
    """Yields the plots that need intervals: of the final model on test, and against the best fixed method."""
    report = reading.final.reports.get("test") or {}
    if has_intervals(report):
        for plot in attribute_plots(Assessed(report), attribute, "", suffix):
            yield from _known(plot)
    comparison = against_best_fixed(reading)
    if comparison:
        yield from _known(comparison_plot(comparison, attribute, f"comparison{suffix}"))


def _known(plot: Plot | ShapePlot | None) -> list[Plot | ShapePlot]:
    return [] if plot is None else [plot]


def draw_plots(reading: Reading, folder: Path) -> dict[str, DrawnPlot]:
    """Draws every plot of a result, writes it into ``folder``, and returns them by key."""
    return draw_all(plots(reading), folder)
