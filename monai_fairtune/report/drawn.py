"""Plots drawn: as files for papers, and as SVG for the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_fairtune.metrics.processes import shared
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


def draw_all(plots: Iterable[Plot], folder: Path, *, png: bool = True, n_processes: int = 1) -> dict[str, DrawnPlot]:
    """Draws every plot, writes it as SVG into ``folder``, and returns them by key.

    Args:
        plots: what to draw.
        folder: receives ``<key>.svg``, and ``<key>.png`` where asked for.
        png: whether to draw them as PNG as well.
        n_processes: that draw; see :func:`monai_fairtune.metrics.processes.shared`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if n_processes > 1:
        import matplotlib.backends.backend_svg
        import matplotlib.figure  # noqa: F401 - loaded once, before the process is copied
    drawn = shared(lambda share: _draw(share, folder, png), list(plots), n_processes)
    return {plot.key: plot for plot in drawn}


def _draw(plots: Sequence[Plot], folder: Path, png: bool) -> list[DrawnPlot]:
    drawn = []
    with plot_style():
        for plot in plots:
            figure = plot.draw(WIDE)
            if png:
                (folder / f"{plot.key}.png").write_bytes(png_bytes(figure))
            wide = svg_element(figure, plot.key)
            narrow = svg_element(plot.draw(NARROW), f"{plot.key}-narrow")
            (folder / f"{plot.key}.svg").write_text(svg_file(wide, plot.alt), encoding="utf-8")
            inline = [inline_svg(element, plot.alt) for element in (wide, narrow)]
            drawn.append(DrawnPlot(plot.key, plot.title, plot.caption, *inline))
    return drawn
