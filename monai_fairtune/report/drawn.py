"""Plots drawn: as files for papers, and as SVG for the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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


def draw_all(plots: Iterable[Plot], folder: Path) -> dict[str, DrawnPlot]:
    """Draws every plot, writes it as SVG and PNG into ``folder``, and returns them by key."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    with plot_style():
        for plot in plots:
            figure = plot.draw(WIDE)
            (folder / f"{plot.key}.png").write_bytes(png_bytes(figure))
            wide = svg_element(figure, plot.key)
            narrow = svg_element(plot.draw(NARROW), f"{plot.key}-narrow")
            (folder / f"{plot.key}.svg").write_text(svg_file(wide, plot.alt), encoding="utf-8")
            inline = [inline_svg(element, plot.alt) for element in (wide, narrow)]
            drawn[plot.key] = DrawnPlot(plot.key, plot.title, plot.caption, *inline)
    return drawn
