"""Plots drawn: as files for papers, and as SVG for the page."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
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


def draw_all(plots: Iterable[Plot], folder: Path, *, png: bool = True, n_processes: int = 1) -> dict[str, DrawnPlot]:
    """Draws every plot, writes it as SVG into ``folder``, and returns them by key.

    Args:
        plots: what to draw.
        folder: receives ``<key>.svg``, and ``<key>.png`` where asked for.
        png: whether to draw them as PNG as well.
        n_processes: above 1 the plots are shared among copies of this process, where the system can copy one. Ask for
            that only where no library keeps threads at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    able = "fork" in multiprocessing.get_all_start_methods()
    wanted = list(plots)
    drawn = _draw_shared(wanted, folder, png, n_processes) if able and n_processes > 1 else _draw(wanted, folder, png)
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


def _draw_shared(plots: Sequence[Plot], folder: Path, png: bool, n_processes: int) -> list[DrawnPlot]:
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401 - loaded once, before the process is copied

    context = multiprocessing.get_context("fork")
    shares = [plots[k::n_processes] for k in range(1, n_processes)]
    found = []
    for share in shares:
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_draw_into, args=(sending, share, folder, png))
        with warnings.catch_warnings():
            # Python 3.12 warns of any thread; those of linear algebra, idle here, are the only ones.
            warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
            process.start()
        sending.close()
        found.append((process, receiving))
    drawn = _draw(plots[::n_processes], folder, png)
    for share, (process, receiving) in zip(shares, found, strict=True):
        try:
            drawn += receiving.recv()
        except EOFError:  # that process failed: draw here, and fail here if it is the plot's fault
            drawn += _draw(share, folder, png)
        process.join()
    order = [plot.key for plot in plots]
    return sorted(drawn, key=lambda plot: order.index(plot.key))


def _draw_into(sending: Connection, plots: Sequence[Plot], folder: Path, png: bool) -> None:
    sending.send(_draw(plots, folder, png))
    sending.close()
