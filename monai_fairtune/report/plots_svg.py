"""A figure as files, and as SVG inside the page."""

from __future__ import annotations

import copy
import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FONTS", "inline_svg", "png_bytes", "svg_element", "svg_file"]

FONTS = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT_NAME = re.compile(r"'DejaVu Sans'(?:, sans-serif)?")


def png_bytes(figure: Figure) -> bytes:
    """Returns the figure as PNG at 200 dots an inch, without a date or the software's version."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=200, metadata={"Software": None})
    return stream.getvalue()


def svg_element(figure: Figure, prefix: str) -> ET.Element:
    """Returns the figure as SVG without namespaces, dates and style sheets; its text is text, and can be edited.

    Args:
        figure: to draw.
        prefix: of every id, so that several plots can share a page.
    """
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ET.fromstring(stream.getvalue())  # noqa: S314 - our own output of the line above
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        _localise(element, prefix)
    root.attrib.pop("version", None)
    root.set("stroke-linejoin", "round")
    return root


def _localise(element: ET.Element, prefix: str) -> None:
    """Drops namespaces, which HTML does not know, and makes ids unique on a page that holds several plots."""
    element.tag = element.tag.rpartition("}")[2]
    for name, value in list(element.attrib.items()):
        del element.attrib[name]
        short = name.rpartition("}")[2]
        if short == "id":
            text = f"{prefix}-{value}"
        elif short == "href":
            text = f"#{prefix}-{value.removeprefix('#')}"
        else:
            text = _FONT_NAME.sub(FONTS, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))
        element.set(short, text)


def svg_file(element: ET.Element, alt: str) -> str:
    """Returns the content of an SVG file, titled by what it shows."""
    root = copy.deepcopy(element)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    title = ET.Element("title")
    title.text = alt
    root.insert(0, title)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def inline_svg(element: ET.Element, alt: str) -> str:
    """Returns an element of an HTML page: it scales with its container and names what it shows."""
    root = copy.deepcopy(element)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-label", alt)
    return ET.tostring(root, encoding="unicode")
