"""Where things go in a plot: panels in points, labels that keep apart, axes with room."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.plots_style import QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["auroc_limits", "canvas", "keep_apart", "leader", "panel", "plot_text", "text_width"]


def canvas(width: float, height: float) -> Figure:
    """Returns an empty figure; width and height in points."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72), facecolor="white")


def panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Adds axes at a place given in points from the lower left corner."""
    across, up = figure.get_size_inches() * 72
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def text_width(text: str, size: float = 8.5, *, bold: bool = False) -> float:
    """Returns about how wide a text is, in points; rather too wide than too narrow."""
    n_wide = sum(map(str.isupper, text))
    return ((0.68 if bold else 0.6) * len(text) + 0.15 * n_wide) * size


def keep_apart(positions: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Moves positions as little as needed so that neighbours are ``least`` apart, within ``low`` and ``high``.

    The order is kept. If there is no room for all, they are spread evenly.

    Example:
        >>> keep_apart([0.5, 0.5, 0.1], 0.2, 0.0, 1.0)
        [0.4, 0.6, 0.1]
    """
    if not positions:
        return []
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    room = (high - low) / max(1, len(positions) - 1)
    least = min(least, room)
    groups: list[list[float]] = []
    for i in order:
        groups.append([positions[i], 1])
        while True:
            last = groups[-1]
            half = (last[1] - 1) * least / 2
            last[0] = min(max(last[0], low + half), high - half)
            if len(groups) < 2 or last[0] - half - (groups[-2][0] + (groups[-2][1] - 1) * least / 2) >= least - 1e-12:
                break
            before = groups.pop(-2)
            total = before[1] + last[1]
            last[:] = [(before[0] * before[1] + last[0] * last[1]) / total, total]
    placed = [centre + (k - (size - 1) / 2) * least for centre, size in groups for k in range(int(size))]
    result = [0.0] * len(positions)
    for place, i in zip(placed, order, strict=True):
        result[i] = round(place, 9)
    return result


def leader(moved: float) -> dict[str, Any] | None:
    """Returns the line from a label to its point; none where the label is beside it and a line would read as a minus.

    Args:
        moved: how far the label was moved up or down, points.
    """
    if abs(moved) < 2:
        return None
    return {"arrowstyle": "-", "color": QUIET, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 4, "relpos": (0, 0.5)}


def auroc_limits(values: Sequence[float]) -> tuple[float, float]:
    """Returns limits of an axis of AUROCs or the like: room around the values, never beyond 0 and 1 by much."""
    if not values:
        return 0.4, 1.0
    low, high = min(values), max(values)
    room = max(0.02, 0.08 * (high - low))
    return max(low - room, -0.02), min(high + room, 1.01) if high <= 1 else high + room


_LATIN = frozenset(filter(str.isprintable, map(chr, range(0x180)))) | set("–−≥≤…“”")
"""What the font certainly can draw, so that it need not be opened for most names."""


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def plot_text(text: str, otherwise: str) -> str:
    """Returns the text if the plots' font can draw it from left to right, and a stand-in if it cannot.

    The stand-ins are explained in the caption, where the reader's own fonts are at hand.
    """
    known = all(character in _LATIN or ord(character) in _glyphs() for character in text)
    rightward = all(unicodedata.bidirectional(character) not in {"R", "AL", "AN"} for character in text)
    return text if text.strip() and known and rightward else otherwise
