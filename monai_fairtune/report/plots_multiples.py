"""Small multiples: a panel a subgroup, all at one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from monai_fairtune.report.plots_labels import Look
from monai_fairtune.report.plots_panel import Panel
from monai_fairtune.report.plots_shapes import Drawing
from monai_fairtune.report.plots_style import WIDE

__all__ = ["MOST", "multiples", "omitted"]

MOST = 12
"""How many subgroups get a panel."""

_LEFT, _BOTTOM, _TOP, _GAP = 34.0, 34.0, 20.0, 16.0


def multiples(
    shown: Sequence[Look],
    width: float,
    ends: tuple[float, float],
    ticks: Mapping[float, str],
    names: tuple[str, str],
) -> tuple[Drawing, list[Panel]]:
    """Returns a drawing with a square panel for each subgroup, titled by its label.

    Args:
        shown: at most :data:`MOST` subgroups.
        width: in points.
        ends: the numbers at both ends of both axes.
        ticks: number to label, on both axes.
        names: of the axes: below the lowest panels, and beside the leftmost ones.
    """
    columns = min(len(shown), (3 if len(shown) != 4 else 4) if width >= WIDE else 2)
    rows = math.ceil(len(shown) / columns)
    side = min(158.0, (width - _LEFT - 4) / columns - _GAP)
    drawing = Drawing(width, rows * (side + _TOP + 14) + _BOTTOM)
    found = []
    for k, look in enumerate(shown):
        row, column = divmod(k, columns)
        place = (_LEFT + column * (side + _GAP), _BOTTOM + (rows - 1 - row) * (side + _TOP + 14))
        panel = Panel(drawing, *place, side, side, ends, ends)
        panel.title(look.cut(int(side / 5.4)), away=5)
        bare = [""] * len(ticks)
        panel.y_axis(*([*ticks], [*ticks.values()], names[1]) if column == 0 else ([*ticks], bare))
        panel.x_axis(*([*ticks], [*ticks.values()], names[0]) if k + columns >= len(shown) else ([*ticks], bare))
        found.append(panel)
    return drawing, found


def omitted(n: int) -> str:
    """Returns a sentence about the panels that were left out; blank where none were."""
    return f" The first {MOST} subgroups with curves are drawn; {n - MOST} more are in the tables." if n > MOST else ""
