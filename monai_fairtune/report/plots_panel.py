"""A panel of a drawing: from numbers to places, with a frame, a grid and rounded ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monai_fairtune.report.plots_shapes import Area, Drawing, Label, Lines, Mark, Point
from monai_fairtune.report.plots_style import GRID, INK, MUTED, QUIET
from monai_fairtune.report.wording import number

__all__ = ["Panel", "round_ticks"]

_THIN, _SMALL, _AWAY = 0.7, 8.0, 3.5
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Panel:
    """A rectangle of a drawing that shows numbers.

    Args:
        drawing: to draw into.
        left: of the panel, points.
        bottom: of the panel, points.
        width: points.
        height: points.
        xs: the numbers at its left and right end.
        ys: the numbers at its lower and upper end.
    """

    drawing: Drawing
    left: float
    bottom: float
    width: float
    height: float
    xs: tuple[float, float]
    ys: tuple[float, float]

    def place(self, x: float, y: float) -> Point:
        """Returns where a pair of numbers stands."""
        across = (x - self.xs[0]) / (self.xs[1] - self.xs[0])
        up = (y - self.ys[0]) / (self.ys[1] - self.ys[0])
        return self.left + across * self.width, self.bottom + up * self.height

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        colour: str,
        width: float,
        *,
        dash: tuple[float, ...] = (),
        opacity: float = 1.0,
    ) -> None:
        """Draws a line through points."""
        self.drawing.add(Lines([[self.place(x, y) for x, y in zip(xs, ys, strict=True)]], colour, width, dash, opacity))

    def area(
        self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str, opacity: float = 1.0
    ) -> None:
        """Fills what lies between two lines."""
        there = [self.place(x, y) for x, y in zip(xs, low, strict=True)]
        back = [self.place(x, y) for x, y in zip(xs, high, strict=True)]
        self.drawing.add(Area([*there, *reversed(back)], colour, opacity))

    def mark(self, x: float, y: float, size: float, *, marker: str, markerfacecolor: str, markeredgecolor: str) -> None:
        """Draws a marker, its look named as matplotlib does."""
        self.drawing.add(Mark(self.place(x, y), marker, size, markerfacecolor, markeredgecolor))

    def title(self, text: str, away: float = 7.0) -> None:
        """Writes a heading above the left end."""
        self.drawing.add(Label((self.left, self.bottom + self.height + away), text, middle=False, bold=True))

    def x_axis(self, ticks: Sequence[float], labels: Sequence[str], name: str = "") -> None:
        """Draws the lower edge, a grid line for each tick, labels where they have text, and the axis' name."""
        ends = (self.bottom, self.bottom + self.height)
        across = [self.place(tick, 0.0)[0] for tick in ticks]
        self.drawing.add(Lines([[(x, y) for y in ends] for x in across], GRID, _THIN))
        self._edge([(self.left, self.bottom), (self.left + self.width, self.bottom)])
        below = self.bottom - _AWAY - 0.75 * _SMALL
        named = [(x, label) for x, label in zip(across, labels, strict=True) if label]
        self.drawing.add(
            *(Label((x, below), label, _SMALL, MUTED, anchor="middle", middle=False) for x, label in named)
        )
        if name:
            centre = (self.left + self.width / 2, below - 13)
            self.drawing.add(Label(centre, name, _SMALL, MUTED, anchor="middle", middle=False))

    def y_axis(self, ticks: Sequence[float], labels: Sequence[str], name: str = "") -> None:
        """Draws the left edge, as :meth:`x_axis` the lower one."""
        ends = (self.left, self.left + self.width)
        up = [self.place(0.0, tick)[1] for tick in ticks]
        self.drawing.add(Lines([[(x, y) for x in ends] for y in up], GRID, _THIN))
        self._edge([(self.left, self.bottom), (self.left, self.bottom + self.height)])
        named = [(y, label) for y, label in zip(up, labels, strict=True) if label]
        self.drawing.add(*(Label((self.left - _AWAY, y), label, _SMALL, MUTED, anchor="end") for y, label in named))
        if name:
            centre = (self.left - 25, self.bottom + self.height / 2)
            self.drawing.add(Label(centre, name, _SMALL, MUTED, anchor="middle", middle=False, upright=True))

    def row_label(self, y: float, text: str, *, bold: bool = False) -> None:
        """Names a row at the panel's left."""
        self.drawing.add(Label((self.left - _AWAY, self.place(0.0, y)[1]), text, colour=INK, anchor="end", bold=bold))

    def beside(self, y: float, text: str, away: float, *, bold: bool = False) -> None:
        """Writes what belongs to a row at the panel's right, ending ``away`` points from it."""
        right = self.left + self.width + away
        self.drawing.add(Label((right, self.place(0.0, y)[1]), text, anchor="end", bold=bold))

    def _edge(self, points: list[Point]) -> None:
        self.drawing.add(Lines([points], QUIET, _THIN))


def round_ticks(low: float, high: float, most: int) -> tuple[list[float], list[str]]:
    """Returns round numbers between two ends, with as few decimals as tell them apart.

    Args:
        low: the lower end.
        high: the upper end, above it.
        most: how many steps there are at most, unless fewer than two numbers would be left.

    Example:
        >>> round_ticks(0.846, 0.913, 4)[1]
        ['0.86', '0.88', '0.90']
        >>> round_ticks(-12.0, 33.0, 3)[1]
        ['0', '20']
    """
    power = 10.0 ** (math.floor(math.log10((high - low) / most)) - 1)
    steps = [step * scale * power for scale in (1.0, 10.0, 100.0) for step in _STEPS[:-1]]
    fitting = [step for step in steps if step >= (high - low) / most - 1e-12 * power]
    tried = [*fitting[:1], *reversed(steps[: len(steps) - len(fitting)])]
    found = next((ticks for step in tried if len(ticks := _multiples(step, low, high)) > 1), [low, high])
    digits = next(d for d in range(16) if d == 15 or all(abs(round(t, d) - t) < 1e-6 * (high - low) for t in found))
    return found, [number(tick, digits) for tick in found]


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]
