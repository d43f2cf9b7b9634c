"""Plots drawn: as files for papers, and as SVG for the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from monai_fairtune.report.plots_shapes import ShapePlot
from monai_fairtune.report.plots_shapes_png import drawing_figure
from monai_fairtune.report.plots_shapes_svg import drawing_svg
from monai_fairtune.report.plots_style import NARROW, WIDE, Plot, plot_style
from monai_fairtune.report.plots_svg import inline_svg, png_bytes, svg_element, svg_file

__all__ = ["DrawnPlot", "draw_all"]


@dataclass(frozen=True)
class DrawnPlot:
    """A plot on the page: the same content at the width of a desktop and at that of a phone."""

    key: str
    title: str
    caption: str
    wide: str
    narrow: str


def draw_all(plots: Iterable[Plot | ShapePlot], folder: Path, *, png: bool = True) -> dict[str, DrawnPlot]:
    """Draws every plot, writes it as SVG into ``folder``, and returns them by key.

    Args:
        plots: what to draw; those of shapes need no matplotlib unless PNG is asked for.
        folder: receives ``<key>.svg``, and ``<key>.png`` where asked for.
        png: whether to draw them as PNG as well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {plot.key: _draw(plot, folder / f"{plot.key}.png" if png else None, folder) for plot in plots}


def _draw(plot: Plot | ShapePlot, png: Path | None, folder: Path) -> DrawnPlot:
    wide, narrow = _of_shapes(plot, png) if isinstance(plot, ShapePlot) else _of_figures(plot, png)
    (folder / f"{plot.key}.svg").write_text(svg_file(wide, plot.alt), encoding="utf-8")
    return DrawnPlot(plot.key, plot.title, plot.caption, *(inline_svg(element, plot.alt) for element in (wide, narrow)))


def _of_shapes(plot: ShapePlot, png: Path | None) -> tuple[ET.Element, ET.Element]:
    drawing = plot.draw(WIDE)
    if png is not None:
        with plot_style():
            png.write_bytes(png_bytes(drawing_figure(drawing)))
    return drawing_svg(drawing), drawing_svg(plot.draw(NARROW))


def _of_figures(plot: Plot, png: Path | None) -> tuple[ET.Element, ET.Element]:
    with plot_style():
        figure = plot.draw(WIDE)
        if png is not None:
            png.write_bytes(png_bytes(figure))
        return svg_element(figure, plot.key), svg_element(plot.draw(NARROW), f"{plot.key}-narrow")
