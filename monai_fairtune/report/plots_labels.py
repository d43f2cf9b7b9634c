"""What subgroups and methods are called in plots."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monai_fairtune.report.assessed import HasSubgroups
from monai_fairtune.report.names import subgroup_label
from monai_fairtune.report.plots_layout import plot_text, text_width
from monai_fairtune.report.plots_style import Style, subgroup_style
from monai_fairtune.report.reading import Method
from monai_fairtune.report.wording import isolate_parts, printable, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LINE", "Entry", "Look", "draw_key", "explained", "key_lines", "looks", "method_label"]

_NUMBER = re.compile(r" \(\d+\)$")
LINE = 13.0
"""Height of one line of a key, points."""

Entry = tuple[str, dict[str, Any]]
"""One entry of a key: its label, and the arguments of its marker or line."""


@dataclass(frozen=True)
class Look:
    """A subgroup in plots: its exact name, its label, and how it is drawn."""

    name: str
    label: str
    style: Style

    @property
    def marker(self) -> dict[str, Any]:
        """Arguments of a marker."""
        face = self.style.colour if self.style.filled else "white"
        return {"marker": self.style.marker, "markerfacecolor": face, "markeredgecolor": self.style.colour}

    def cut(self, limit: int) -> str:
        """Returns the label in ``limit`` characters, with the number that tells it from others cut alike.

        Example:
            >>> Look("x", "a rather long… (12)", subgroup_style(0)).cut(12)
            'a rath… (12)'
        """
        number = _NUMBER.search(self.label)
        if len(self.label) <= limit or number is None:
            return shorten(self.label, limit)
        return shorten(self.label[: number.start()], limit - len(number[0])) + number[0]

    @property
    def entry(self) -> Entry:
        """Its entry in a key."""
        return self.label, {"markersize": 5.5, **self.marker}


def looks(reading: HasSubgroups, attribute: str) -> list[Look]:
    """Returns how the subgroups of an attribute are drawn, the same in every plot."""
    found: list[Look] = []
    for position, name in enumerate(reading.subgroups(attribute)):
        label = plot_text(subgroup_label(attribute, name, limit=26), f"subgroup {position + 1}")
        if any(look.label == label for look in found):
            label = f"{label} ({position + 1})"
        found.append(Look(name, label, subgroup_style(position)))
    return found


def explained(subgroups: Sequence[Look]) -> str:
    """Returns a sentence that names the subgroups whose label in the plot is only a number; blank if there is none."""
    numbered = [look for look in subgroups if look.label.startswith("subgroup ") and look.label != look.name]
    told = [f"{look.label} is “{isolate_parts(shorten(look.name, 80))}”" for look in numbered]
    return f" In the plot, {'; '.join(told)}." if told else ""


def method_label(method: Method) -> str:
    """Returns a method's name as plots show it."""
    return plot_text(shorten(printable(method.name), 24), "method")


def _entry_width(entry: Entry, size: float) -> float:
    return 22 + text_width(entry[0], size)


def key_lines(entries: Sequence[Entry], width: float, size: float = 8.5) -> list[list[Entry]]:
    """Breaks a key into lines that fit a width in points."""
    lines: list[list[Entry]] = [[]]
    for entry in entries:
        if lines[-1] and sum(_entry_width(other, size) for other in lines[-1]) + _entry_width(entry, size) > width:
            lines.append([])
        lines[-1].append(entry)
    return lines


def draw_key(figure: Figure, lines: Sequence[Sequence[Entry]], left: float, top: float, size: float = 8.5) -> None:
    """Writes a key.

    Args:
        figure: to write into.
        lines: as :func:`key_lines` breaks them.
        left: of the first entry, points from the figure's left.
        top: of the first line, points from the figure's bottom.
        size: of the type, points.
    """
    from matplotlib.lines import Line2D

    across, up = figure.get_size_inches() * 72
    for row, line in enumerate(lines):
        x, y = left, (top - (row + 0.5) * LINE) / up
        for label, marks in line:
            ends = [x / across, (x + 13) / across] if "marker" not in marks else [(x + 4) / across]
            figure.add_artist(Line2D(ends, [y] * len(ends), **{"linestyle": "none", **marks}))
            figure.text((x + (17 if len(ends) == 2 else 11)) / across, y, label, fontsize=size, va="center_baseline")
            x += _entry_width((label, marks), size) + (6 if len(ends) == 2 else 0)
