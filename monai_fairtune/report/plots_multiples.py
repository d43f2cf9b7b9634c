"""Small multiples: a panel a subgroup, all at one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from monai_fairtune.report.plots_labels import Look
from monai_fairtune.report.plots_layout import canvas, panel
from monai_fairtune.report.plots_style import INK, WIDE
from monai_fairtune.report.wording import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST", "multiples", "omitted"]

MOST = 12
"""How many subgroups get a panel."""

_LEFT, _BOTTOM, _TOP, _GAP = 34.0, 34.0, 20.0, 16.0


def multiples(shown: Sequence[Look], width: float, x_label: str, y_label: str) -> tuple[Figure, list[Axes]]:
    """Returns a figure with a square panel for each subgroup, titled by its label.

    Args:
        shown: at most :data:`MOST` subgroups.
        width: in points.
        x_label: below the lowest panels.
        y_label: beside the leftmost panels.
    """
    columns = min(len(shown), (3 if len(shown) != 4 else 4) if width >= WIDE else 2)
    rows = math.ceil(len(shown) / columns)
    side = min(158.0, (width - _LEFT - 4) / columns - _GAP)
    figure = canvas(width, rows * (side + _TOP + 14) + _BOTTOM)
    found = []
    for k, look in enumerate(shown):
        row, column = divmod(k, columns)
        bottom = _BOTTOM + (rows - 1 - row) * (side + _TOP + 14)
        axes = panel(figure, _LEFT + column * (side + _GAP), bottom, side, side)
        axes.set_title(shorten(look.label, int(side / 5.4)), color=INK, fontsize=8.5, pad=5)
        if column == 0:
            axes.set_ylabel(y_label, labelpad=3)
        else:
            axes.tick_params(labelleft=False)
        if k + columns >= len(shown):
            axes.set_xlabel(x_label)
        else:
            axes.tick_params(labelbottom=False)
        found.append(axes)
    return figure, found


def omitted(n: int) -> str:
    """Returns a sentence about the panels that were left out; blank where none were."""
    return f" The first {MOST} subgroups with curves are drawn; {n - MOST} more are in the tables." if n > MOST else ""
