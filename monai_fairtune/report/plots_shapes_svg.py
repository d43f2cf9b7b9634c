"""Drawings as SVG: text stays text, nothing refers to anything else, and the same drawing gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from monai_fairtune.report.plots_markers import OUTLINES
from monai_fairtune.report.plots_shapes import Area, Drawing, Label, Lines, Mark, Point, Shape
from monai_fairtune.report.plots_svg import FONTS

__all__ = ["drawing_svg"]

_CAPITALS = 0.36
"""Half the height of capitals, in units of the size of the type."""


def drawing_svg(drawing: Drawing) -> ET.Element:
    """Returns the drawing as an SVG element without namespaces, in points."""
    width, height = _told(drawing.width), _told(drawing.height)
    root = ET.Element("svg", {"width": f"{width}pt", "height": f"{height}pt", "viewBox": f"0 0 {width} {height}"})
    root.set("font-family", FONTS)
    root.set("stroke-linejoin", "round")
    ET.SubElement(root, "rect", {"width": width, "height": height, "fill": "#fff"})
    root.extend(_element(shape, drawing.height) for shape in drawing.shapes)
    return root


def _element(shape: Shape, top: float) -> ET.Element:
    if isinstance(shape, Lines):
        return _lines(shape, top)
    if isinstance(shape, Area):
        return _filled(_path([shape.outline], top, closed=True), shape.colour, shape.opacity)
    return _mark(shape, top) if isinstance(shape, Mark) else _label(shape, top)


def _lines(shape: Lines, top: float) -> ET.Element:
    given = {"d": _path(shape.paths, top), "fill": "none", "stroke": shape.colour, "stroke-width": _told(shape.width)}
    if shape.dash:
        given["stroke-dasharray"] = " ".join(map(_told, shape.dash))
    if shape.opacity < 1:
        given["stroke-opacity"] = _told(shape.opacity)
    return ET.Element("path", given)


def _filled(path: str, colour: str, opacity: float = 1.0) -> ET.Element:
    given = {"d": path, "fill": colour}
    return ET.Element("path", given if opacity == 1 else {**given, "fill-opacity": _told(opacity)})


def _mark(shape: Mark, top: float) -> ET.Element:
    (x, y), r = shape.place, shape.size / 2
    if shape.marker == "o":
        left, right, level, radius = _told(x - r), _told(x + r), _told(top - y), _told(r)
        arc = f"A{radius} {radius} 0 1 0 "
        found = _filled(f"M{left} {level}{arc}{right} {level}{arc}{left} {level}z", shape.face)
    else:
        corners = [(x + shape.size * across, y + shape.size * up) for across, up in OUTLINES[shape.marker]]
        found = _filled(_path([corners], top, closed=True), shape.face)
    found.set("stroke", shape.edge)
    return found


def _label(shape: Label, top: float) -> ET.Element:
    x, y, down = shape.place[0], top - shape.place[1], _CAPITALS * shape.size if shape.middle else 0.0
    given = {"font-size": _told(shape.size), "fill": shape.colour}
    if shape.upright:
        given["transform"] = f"translate({_told(x + down)} {_told(y)})rotate(-90)"
    else:
        given |= {"x": _told(x), "y": _told(y + down)}
    if shape.anchor != "start":
        given["text-anchor"] = shape.anchor
    if shape.bold:
        given["font-weight"] = "bold"
    found = ET.Element("text", given)
    found.text = shape.text
    return found


def _path(paths: Iterable[Sequence[Point]], top: float, *, closed: bool = False) -> str:
    lines = ("M" + "L".join(f"{_told(x)} {_told(top - y)}" for x, y in points) for points in paths if points)
    return "".join(lines) + ("z" if closed else "")


def _told(value: float) -> str:
    """Returns a number with two decimals at most: a hundredth of a point is seen by nobody."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
