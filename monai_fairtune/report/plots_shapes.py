"""What a drawing is made of: lines, areas, marks and labels at places in points, from the lower left corner.

Drawings know no library: :mod:`plots_shapes_svg` writes them as SVG, :mod:`plots_shapes_png` as PNG. Hundreds of axes,
ticks and artists cost a plotting library more time than an audit's numbers take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from monai_fairtune.report.plots_style import INK

__all__ = ["Area", "Drawing", "Label", "Lines", "Mark", "Point", "Shape", "ShapePlot"]

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Lines:
    """Lines of one look.

    Args:
        paths: the points of each line.
        colour: of the stroke.
        width: points.
        dash: lengths of strokes and of the gaps between them, points; none for a whole line.
        opacity: in (0, 1].
    """

    paths: Sequence[Sequence[Point]]
    colour: str
    width: float
    dash: tuple[float, ...] = ()
    opacity: float = 1.0


@dataclass(frozen=True)
class Area:
    """A filled outline without a stroke."""

    outline: Sequence[Point]
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Mark:
    """A marker: ``o s D d ^ v P |`` as matplotlib names them; ``size`` is its width in points."""

    place: Point
    marker: str
    size: float
    face: str
    edge: str


@dataclass(frozen=True)
class Label:
    """A line of text.

    Args:
        place: of its anchor.
        text: to write.
        size: of the type, points.
        colour: of the type.
        anchor: which end of the text stands at the place.
        middle: whether the place is at half the height of its capitals; otherwise it is on the base line.
        bold: whether it is.
        upright: whether it runs upwards.
    """

    place: Point
    text: str
    size: float = 8.5
    colour: str = INK
    anchor: Literal["start", "middle", "end"] = "start"
    middle: bool = True
    bold: bool = False
    upright: bool = False


Shape: TypeAlias = Lines | Area | Mark | Label


@dataclass
class Drawing:
    """Shapes on a white ground; later ones cover earlier ones.

    Args:
        width: points.
        height: points.
        shapes: added with :meth:`add`.
    """

    width: float
    height: float
    shapes: list[Shape] = field(default_factory=list)

    def add(self, *shapes: Shape) -> None:
        """Puts shapes on top."""
        self.shapes.extend(shapes)


@dataclass(frozen=True)
class ShapePlot:
    """A plot that is drawn from shapes, before it is drawn; arguments as for :class:`~plots_style.Plot`."""

    key: str
    title: str
    caption: str
    alt: str
    draw: Callable[[float], Drawing]
