"""Every plot of a result, drawn: files for papers and SVG for the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monai_fairtune.report.plots_components import components_plot
from monai_fairtune.report.plots_curves import curves_plot
from monai_fairtune.report.plots_progress import progress_plot
from monai_fairtune.report.plots_selection import selection_plot
from monai_fairtune.report.plots_share import share_plot
from monai_fairtune.report.plots_style import NARROW, WIDE, Plot, plot_style
from monai_fairtune.report.plots_subgroups import subgroup_auroc_plot
from monai_fairtune.report.plots_svg import inline_svg, png_bytes, svg_element, svg_file
from monai_fairtune.report.reading import Reading

__all__ = ["DrawnPlot", "draw_plots", "plots"]


@dataclass(frozen=True)
class DrawnPlot:
    """A plot on the page: the same content at the width of a desktop and at that of a phone."""

    key: str
    title: str
    caption: str
    wide: str
    narrow: str


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
    """Draws every plot, writes it as SVG and PNG into ``folder``, and returns them by key."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    with plot_style():
        for plot in plots(reading):
            figure = plot.draw(WIDE)
            (folder / f"{plot.key}.png").write_bytes(png_bytes(figure))
            wide = svg_element(figure, plot.key)
            narrow = svg_element(plot.draw(NARROW), f"{plot.key}-narrow")
            (folder / f"{plot.key}.svg").write_text(svg_file(wide, plot.alt), encoding="utf-8")
            inline = [inline_svg(element, plot.alt) for element in (wide, narrow)]
            drawn[plot.key] = DrawnPlot(plot.key, plot.title, plot.caption, *inline)
    return drawn
