"""Everything that the page of a cohort card shows, as data for the template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monai_fairtune.report.cohort_card import datasheet, tables
from monai_fairtune.report.cohort_card.plots import prevalence_key
from monai_fairtune.report.cohort_card.reading import ALL, Card
from monai_fairtune.report.drawn import DrawnPlot
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.stored import SPLITS
from monai_fairtune.report.wording import enumerate_words, number, percent, printable, shorten
from monai_fairtune.subgroups import reporting_minimum

__all__ = ["card_context"]


def card_context(card: Card, plots: Mapping[str, DrawnPlot]) -> dict[str, Any]:
    """Returns the variables of ``cohort_card.html``.

    Args:
        card: the stored card.
        plots: drawn, by key.
    """
    raw = card.raw
    name = str(card.about.get("title") or raw["manifest"]["file"])
    return {
        "title": f"Cohort card of {shorten(name, 100)}",
        "created": str(raw["created"]).replace("T", " ").replace("+00:00", " UTC"),
        "version": str(raw["versions"]["monai_fairtune"]),
        "figures": _figures(card),
        "problems": [*map(printable, raw["problems"]), *_refused(raw)],
        "cautions": [printable(text) for text in raw["cautions"]],
        "motivation": datasheet.motivation(card),
        "split_rule": printable(raw["split_rule"]),
        "attributes": [_counted(card, name, plots) for name in card.attributes],
        "intersections": [
            tables.counts_table(card, name, f"intersection_{k + 1}") for k, name in enumerate(raw["intersections"])
        ],
        "associations": tables.associations_table(card),
        "missing": [tables.missing_table(card, name, f"missing_{k + 1}") for k, name in enumerate(raw["missingness"])],
        "collection": datasheet.collection(card),
        "acquisition": tables.acquisition_table(card) if raw["acquisition"] else None,
        "acquired": [_counted(card, name, plots) for name in card.acquisition],
        "preprocessing": datasheet.preprocessing(card),
        "copies": list(_copies(card)),
        **_quality(card, plots),
        "detectable": tables.detectable_table(card) if raw["minimum_detectable_gap"] else None,
        "limits": list(_limits(card)),
        "small": list(_small(card)),
        "distribution": datasheet.distribution(card),
    }


def _refused(raw: Mapping[str, Any]) -> Iterator[str]:
    """Says what a search would refuse, without the counts: a card may withhold them."""
    if raw["refused"]:
        limit = raw["min_per_class"]
        yield (
            f"A search would refuse {enumerate_words([attribute_words(name) for name in raw['refused']])}: it asks for "
            f"two subgroups or more, each with {limit} images of either class on validation and on selection, and "
            f"{reporting_minimum(limit)} on test."
        )


def _counted(card: Card, name: str, plots: Mapping[str, DrawnPlot]) -> dict[str, Any]:
    key = prevalence_key(card, name)
    return {
        "words": attribute_words(name),
        "plot": plots.get(key),
        "table": tables.counts_table(card, name, key.replace("prevalence", "counts")),
    }


def _figures(card: Card) -> list[tuple[str, str, str]]:
    """Returns name, value and detail of what the head of the page shows."""
    part, images = card.part(ALL), card.raw["images"]
    decoded = ("not opened", "") if images is None else (str(images["n_decoded"]), f"of {part['n']} images")
    return [
        ("images", str(part["n"]), " · ".join(f"{split} {card.part(split)['n']}" for split in SPLITS)),
        ("patients", str(part["n_patients"]), f"{number(part['n'] / part['n_patients'], 2)} images each"),
        ("class 1", percent(part["prevalence"]), f"{part['n_positive']} images"),
        ("decoded", *decoded),
    ]


def _copies(card: Card) -> Iterator[str]:
    images, near = card.raw["images"], card.raw["near_duplicates"]
    if images is None:
        yield "Images were not opened, so that nothing is known of damaged files, copies and image quality."
        return
    yield (
        f"{images['n_unreadable']} images cannot be decoded. {images['n_equal_files']} files occur under several "
        f"names, {images['n_equal_files_across_splits']} of them in several splits."
    )
    if near is None:
        yield "Images that look alike were not searched for (pip install 'monai-fairtune[quality]')."
        return
    yield (
        f"{near['n_groups']} groups with {near['n_images']} images look alike and are not the same file: at most "
        f"{near['max_distance']} of {near['n_bits']} bits of their perceptual hashes differ. "
        f"{near['n_across_splits']} groups reach over several splits, {near['n_across_patients']} over several "
        f"patients, and {near['n_with_both_labels']} have both labels. A hash can err in both directions: copies that "
        "were cut or turned much are not found."
    )


def _quality(card: Card, plots: Mapping[str, DrawnPlot]) -> dict[str, Any]:
    quality = card.raw["image_quality"]
    if quality is None:
        return {"traits": None, "n_constant": None, "differences": None, "difference_plots": []}
    rows = quality["differences"]
    return {
        "traits": tables.traits_table(quality),
        "n_constant": quality["n_constant"],
        "differences": tables.differences_table(card, rows) if rows else None,
        "difference_plots": [plot for key, plot in plots.items() if key.startswith("differences_")],
    }


def _limits(card: Card) -> Iterator[str]:
    about = enumerate_words([attribute_words(name) for name in card.attributes])
    yield (
        f"Recorded values of {about} are taken as they stand. Whether they were recorded rightly cannot be seen here."
    )
    yield (
        "What goes together need not cause one another. An association that is not found may still be there: small "
        "cohorts show only strong ones."
    )
    yield (
        f"A finding is named at the head of this page if its adjusted p-value is below {card.alarm('level'):g} (Holm, "
        f"within its kind) and it is large: Cramer's V from {card.alarm('cramers_v'):g}, an AUROC from acquisition "
        f"from {card.alarm('auroc'):g}, a standardised difference from {card.alarm('standardised_difference'):g}. "
        "Where an attribute is missing has no such bound. An image is unlike the others beyond "
        f"{card.alarm('robust_z'):g} robust standard deviations."
    )
    yield "The card describes data. It does not say that a model trained on them serves every subgroup alike."


def _small(card: Card) -> Iterator[str]:
    if card.below is None:
        if any(0 < count < _USUAL for count in _all_counts(card)):
            yield (
                f"This card holds counts below {_USUAL}. Check your rules before you share it, or write it with "
                "--suppress-below."
            )
        return
    yield (
        f"Subgroups with fewer than {card.below} images, patients, or images of one class in a split are withheld, and "
        "so are those whose numbers would tell them by subtraction."
    )
    withheld = card.raw["withheld"]
    if withheld["attributes"]:
        names = enumerate_words([shorten(name, 60) for name in withheld["attributes"]])
        yield f"Withheld with them is what is computed from {names}."
    if withheld["missingness"]:
        names = enumerate_words([shorten(name, 60) for name in withheld["missingness"]])
        yield f"Where {names} is missing is withheld."


_USUAL = 10


def _all_counts(card: Card) -> Iterator[int]:
    for split in (ALL, *SPLITS):
        for name in card.part(split)["attributes"]:
            for subgroup in (*card.subgroups(name), None):
                cell = card.cell(split, name, subgroup)
                yield from (cell["n"], cell["n_patients"], cell["n_positive"], cell["n"] - cell["n_positive"])
