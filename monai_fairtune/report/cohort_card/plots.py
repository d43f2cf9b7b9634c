"""Plots of a cohort card: prevalence by subgroup, and how images differ."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from monai_fairtune.report.cohort_card.reading import ALL, Card
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.plots_intervals import (
    OVERALL_MARKER,
    IntervalPanel,
    IntervalRow,
    interval_drawing,
    told_rows,
)
from monai_fairtune.report.plots_labels import explained, looks
from monai_fairtune.report.plots_shapes import ShapePlot
from monai_fairtune.report.stored import Stated, finite, stated

__all__ = ["card_plots", "prevalence_key"]

_PARTS = {ALL: "class 1 of 100, all images", "train": "train", "test": "test"}
_SHOWN = ("brightness", "contrast", "sharpness")


def prevalence_key(card: Card, name: str) -> str:
    """Returns the key of the plot of an attribute or acquisition column."""
    return f"prevalence_{[*card.attributes, *card.acquisition].index(name) + 1}"


def card_plots(card: Card) -> Iterator[ShapePlot]:
    """Yields the plots that have something to show."""
    for name in (*card.attributes, *card.acquisition):
        if any(card.prevalence(ALL, name, subgroup).value is not None for subgroup in card.subgroups(name)):
            yield _prevalence_plot(card, name)
    quality = card.raw["image_quality"]
    for name in card.attributes if quality else ():
        if any(row["attribute"] == name and row["value"] is not None for row in quality["differences"]):
            yield _difference_plot(card, name)


def _prevalence_plot(card: Card, name: str) -> ShapePlot:
    panels = [
        IntervalPanel(words, 1, 100 * (finite(card.part(part)["prevalence"]) or 0.0), least=4.0)
        for part, words in _PARTS.items()
    ]
    rows = [
        IntervalRow(
            look.label, tuple(card.prevalence(part, name, look.name).scaled(100) for part in _PARTS), look.marker
        )
        for look in looks(card, name)
    ]
    everybody = tuple(stated(card.part(part)["prevalence"]).scaled(100) for part in _PARTS)
    rows.append(IntervalRow(ALL, everybody, OVERALL_MARKER, reference=True))
    title = f"How many of 100 images are of class 1, by {attribute_words(name)}"
    return ShapePlot(
        prevalence_key(card, name),
        title,
        "Marks: the share of images; lines: 95 % intervals that know whose image is whose; dashed: all images of that "
        "part." + explained(looks(card, name)),
        f"{title}. {told_rows(rows, panels)}.",
        partial(interval_drawing, rows, panels),
    )


def _difference_plot(card: Card, name: str) -> ShapePlot:
    found = {(row["subgroup"], row["trait"]): stated(row) for row in card.raw["image_quality"]["differences"]
             if row["attribute"] == name}  # fmt: skip
    panels = [IntervalPanel(trait, 2, 0.0, difference=True, least=0.5) for trait in _SHOWN]
    nothing = Stated(None, "not compared")
    rows = [
        IntervalRow(look.label, tuple(found.get((look.name, trait), nothing) for trait in _SHOWN), look.marker)
        for look in looks(card, name)
        if any(subgroup == look.name for subgroup, _ in found)
    ]
    title = f"How images differ by {attribute_words(name)}"
    return ShapePlot(
        f"differences_{card.attributes.index(name) + 1}",
        title,
        "Marks: the mean of a subgroup minus that of all others of the attribute, in standard deviations between "
        "patients; lines: 95 % intervals. Of two subgroups one is shown: the other is its opposite."
        + explained(looks(card, name)),
        f"{title}. {told_rows(rows, panels)}.",
        partial(interval_drawing, rows, panels),
    )
