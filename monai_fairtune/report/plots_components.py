"""How often each component was chosen among good trials (Figure 4 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monai_fairtune.report.components import Frequency, frequencies, good_trials
from monai_fairtune.report.plots_labels import LINE, Entry, draw_key, key_lines
from monai_fairtune.report.plots_layout import canvas, panel, plot_text, text_width
from monai_fairtune.report.plots_style import ACCENT, INK, MUTED, QUIET, WIDE, Plot
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.wording import enumerate_words, printable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["components_plot"]

_LIGHT = "#c2ccd6"


def components_plot(reading: Reading, key: str) -> Plot | None:
    """Returns bars by block, a row of bars a part of the block; None if no good trial has a mask."""
    trials = good_trials(reading)
    found = frequencies(reading, trials)
    if not found:
        return None
    often = sorted(found, key=lambda item: -item.share)[:5]
    told = enumerate_words([f"{shorten(item.name, 60)} {item.share:.0%}" for item in often])
    n = len(trials)
    few = " With so few trials the shares say little." if n < 8 else ""
    marked = (
        " Dark bars: tuned by the final model."
        if any(item.tuned is not None for item in found)
        else " The final model's mask is of another partition, so it is not marked."
    )
    return Plot(
        key,
        "How often each component was chosen by good trials",
        f"Share of the {n} best searched trials (the top quarter of those that are complete and reach the utility "
        f"floor) that tune a component, by block from the input to the head. Dotted: one in two, which chance alone "
        f"would give.{marked}{few}",
        f"Bar chart of how often each of {len(found)} components was tuned among {n} good trials. Most often: {told}.",
        lambda width: _draw(found, width),
    )


def _draw(found: Sequence[Frequency], width: float) -> Figure:
    in_blocks = all(item.block for item in found) and len({item.block for item in found}) > 1
    return _by_block(found, width) if in_blocks else _by_name(found, width)


def _by_block(found: Sequence[Frequency], width: float) -> Figure:
    parts = list(dict.fromkeys(item.part for item in found))
    blocks = list(dict.fromkeys(item.block for item in found))
    tall = 96.0 if len(parts) == 1 else 58.0
    step = tall + 24
    figure = canvas(width, step * len(parts) + 34 + LINE)
    _key(figure, found, width)
    for row, part in enumerate(parts):
        axes = panel(figure, 36, 34 + step * (len(parts) - 1 - row), width - 42, tall)
        shown = [item for item in found if item.part == part]
        places = [blocks.index(item.block) for item in shown]
        axes.bar(
            places, [item.share for item in shown], 0.72, color=[_colour(item) for item in shown], linewidth=0, zorder=2
        )
        zeros = [place for place, item in zip(places, shown, strict=True) if item.share == 0]
        axes.plot(zeros, [0.012] * len(zeros), "_", color=QUIET, markersize=5, zorder=2)
        _share_axis(axes, along="y")
        axes.set_xlim(-0.6, len(blocks) - 0.4)
        axes.set_title(plot_text(shorten(printable(part) or "block", int(width / 6)), f"part {row + 1}"))
        every = max(1, -(-len(blocks) * max(text_width(block, 8) + 5 for block in blocks) // (width - 42)))
        ticks = range(0, len(blocks), int(every))
        axes.set_xticks(ticks, [blocks[tick] for tick in ticks] if row == len(parts) - 1 else [])
    axes.set_xlabel("block")
    return figure


def _by_name(found: Sequence[Frequency], width: float) -> Figure:
    labels = [
        plot_text(shorten(printable(item.name), 34 if width >= WIDE else 20), f"component {k + 1}")
        for k, item in enumerate(found)
    ]
    left = max(map(text_width, labels)) + 6
    tall = 13.0 * len(found)
    figure = canvas(width, tall + 44 + LINE)
    _key(figure, found, width)
    axes = panel(figure, left, 34, width - left - 12, tall)
    axes.barh(
        range(len(found)), [item.share for item in found], 0.72, color=[_colour(item) for item in found], zorder=2
    )
    axes.set_yticks(range(len(found)), labels)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(len(found) - 0.4, -0.6)
    _share_axis(axes, along="x")
    return figure


def _key(figure: Figure, found: Sequence[Frequency], width: float) -> None:
    if any(item.tuned is not None for item in found):
        square = {"marker": "s", "markersize": 6, "markeredgewidth": 0}
        entries: list[Entry] = [
            ("tuned by the final model", {**square, "color": ACCENT}),
            ("frozen", {**square, "color": _LIGHT}),
        ]
        draw_key(figure, key_lines(entries, width), 2, figure.get_size_inches()[1] * 72 - 2)


def _colour(item: Frequency) -> str:
    return ACCENT if item.tuned else _LIGHT


def _share_axis(axes: Axes, *, along: str) -> None:
    ticks, words = [0, 0.5, 1], ["0 %", "50 %", "100 %"]
    if along == "y":
        axes.set_ylim(0, 1.02)
        axes.set_yticks(ticks, words)
        axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    else:
        axes.set_xlim(0, 1.02)
        axes.set_xticks(ticks, words)
        axes.axvline(0.5, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    axes.grid(visible=False)
