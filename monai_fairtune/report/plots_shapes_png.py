"""Drawings as PNG, by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monai_fairtune.report.plots_shapes import Area, Drawing, Lines, Mark, Shape

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["drawing_figure"]


def drawing_figure(drawing: Drawing) -> Figure:
    """Returns the drawing as a figure of matplotlib, which can be saved."""
    from matplotlib.figure import Figure
    from matplotlib.transforms import Affine2D

    figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), facecolor="white")
    points = Affine2D().scale(1 / 72) + figure.dpi_scale_trans
    for order, shape in enumerate(drawing.shapes):
        for artist in _artists(shape):
            artist.set(transform=points, zorder=order)
            figure.add_artist(artist)
    return figure


def _artists(shape: Shape) -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon
    from matplotlib.text import Text

    if isinstance(shape, Lines):
        look: dict[str, Any] = {"color": shape.colour, "linewidth": shape.width, "alpha": shape.opacity}
        look |= {"solid_capstyle": "butt", "dash_capstyle": "butt"}
        look["linestyle"] = (0, [length / shape.width for length in shape.dash]) if shape.dash else "-"
        return [Line2D(*zip(*points, strict=True), **look) for points in shape.paths if points]
    if isinstance(shape, Area):
        return [Polygon(list(shape.outline), facecolor=shape.colour, alpha=shape.opacity, linewidth=0)]
    if isinstance(shape, Mark):
        (x, y), look = shape.place, {"markerfacecolor": shape.face, "markeredgecolor": shape.edge}
        return [Line2D([x], [y], linestyle="none", marker=shape.marker, markersize=shape.size, **look)]
    look = {"color": shape.colour, "fontsize": shape.size, "fontweight": "bold" if shape.bold else "normal"}
    look["horizontalalignment"] = {"start": "left", "middle": "center", "end": "right"}[shape.anchor]
    look["verticalalignment"] = "center_baseline" if shape.middle else "baseline"
    if shape.upright:
        look |= {"rotation": 90, "rotation_mode": "anchor"}
    return [Text(*shape.place, shape.text, **look)]
