"""How every plot looks: sizes, colours, type, labels that keep apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "ACCENT",
    "BAND",
    "GRID",
    "INK",
    "MUTED",
    "NARROW",
    "PALETTE",
    "QUIET",
    "WIDE",
    "Plot",
    "Style",
    "plot_style",
    "subgroup_style",
]

WIDE, NARROW = 540.0, 262.0
"""Widths of a plot in points: for a desktop or a page, and for a phone."""

INK, MUTED, QUIET, GRID, BAND = "#1f2328", "#57606a", "#8b949e", "#e4e8ec", "#eef3f7"
ACCENT = "#0b4f79"
"""The found mask, wherever subgroups are not what colours mean."""

PALETTE = ("#0068b5", "#d55e00", "#00956d", "#4a1f6e", "#c768a3", "#23282e")
"""Subgroups: at least 3:1 against white, and apart from one another in the common colour deficiencies."""

_MARKERS = ("o", "s", "D", "^", "v", "P")

_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": QUIET,
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "figure.dpi": 72,
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "monai-fairtune",
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelsize": 8,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.color": MUTED,
    "ytick.labelsize": 8,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}
_NOT_STYLE = ("backend", "interactive", "toolbar", "timezone", "webagg", "tk.", "docstring", "date.")


@dataclass(frozen=True)
class Plot:
    """A plot before it is drawn.

    Args:
        key: name of its files.
        title: heading of the figure.
        caption: what is shown and how to read it.
        alt: what one sees, for readers who do not see it.
        draw: makes the figure at a width in points.
    """

    key: str
    title: str
    caption: str
    alt: str
    draw: Callable[[float], Figure]


@dataclass(frozen=True)
class Style:
    """How one subgroup looks in every plot."""

    colour: str
    marker: str
    filled: bool


def subgroup_style(position: int) -> Style:
    """Returns the look of the subgroup at a position of its attribute: colour and shape, so that neither is needed."""
    lap = position // len(PALETTE)
    return Style(PALETTE[position % len(PALETTE)], _MARKERS[(position + lap) % len(_MARKERS)], lap % 2 == 0)


@contextmanager
def plot_style() -> Iterator[None]:
    """Draws and saves under our style whatever the user's matplotlibrc says; theirs is back afterwards."""
    from matplotlib import rc_context, rcParamsDefault

    defaults = {key: value for key, value in rcParamsDefault.items() if not key.startswith(_NOT_STYLE)}
    style: dict[Any, Any] = {**defaults, **_STYLE}
    with rc_context(style):
        yield
