"""Tables of a cohort card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_fairtune.report.cohort_card.reading import ALL, Card
from monai_fairtune.report.names import attribute_words, subgroup_detail, subgroup_words
from monai_fairtune.report.stored import SPLITS, finite, stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import isolate_parts, percent, probability, shorten, signed

__all__ = [
    "acquisition_table",
    "associations_table",
    "counts_table",
    "detectable_table",
    "differences_table",
    "missing_table",
    "traits_table",
]

_COUNTS = ("n", "n_patients", "n_positive")
_NOT_RECORDED = "not recorded"


def counts_table(card: Card, name: str, key: str) -> Table:
    """Returns images, patients and images of class 1 of each subgroup, in all and in each split."""
    parts = (ALL, *SPLITS)
    table = Table(
        key,
        f"Images, patients and images of class 1 by {attribute_words(name)}",
        ["", *["images", "patients", "class 1"] * len(parts)],
        [("", 1), *(("all images" if part == ALL else part, 3) for part in parts)],
    )
    for subgroup in (*card.subgroups(name), None):
        cells = [cell for part in parts for cell in _counts(table, card.cell(part, name, subgroup), ends=part == ALL)]
        if subgroup is not None:
            table.add(isolate_parts(shorten(subgroup, 80)), cells, detail=subgroup_detail(name, subgroup))
        elif any(card.cell(part, name, None)["n"] for part in parts):
            table.add(_NOT_RECORDED, cells, last=True)
    whole = [cell for part in parts for cell in _counts(table, card.part(part), ends=False)]
    table.add(ALL, whole, strong=True, last=True)
    return table


def _counts(table: Table, entry: Mapping[str, Any], *, ends: bool) -> list[Cell]:
    cells = [Cell(str(entry[key])) for key in _COUNTS]
    share = stated(entry.get("prevalence"))
    if share.suppressed:
        cells[2] = table.undefined(share.reason, str(entry["n_positive"]))
    elif share.value is not None and entry["n"]:
        around = f" ({percent(share.low)} to {percent(share.high)})" if ends and share.has_interval else ""
        cells[2] = Cell(str(entry["n_positive"]), detail=percent(share.value) + around)
    return cells


def associations_table(card: Card) -> Table:
    """Returns what goes with what, the strongest first."""
    table = Table(
        "associations",
        "What goes with what, counted by patient",
        ["the one", "the other", "Cramer's V", "p", "p, adjusted"],
    )
    for pair in sorted(card.raw["associations"], key=lambda pair: -(pair["value"] or 0.0)):
        p_holm = finite(pair.get("p_holm"))
        table.add(
            shorten(str(pair["a"]), 60),
            [
                Cell(shorten(str(pair["b"]), 60), numeric=False),
                table.value(stated(pair), 2),
                *(_p_value(table, finite(pair.get(key))) for key in ("p_value", "p_holm")),
            ],
            strong=(pair["value"] or 0.0) >= card.alarm("cramers_v") and _is_low(card, p_holm),
        )
    return table


def _is_low(card: Card, p_value: float | None) -> bool:
    return p_value is not None and p_value < card.alarm("level")


def _p_value(table: Table, p: float | None) -> Cell:
    if p is None:
        return table.undefined("There is no test: it does not vary, or too few patients are expected in many cells.")
    return Cell(probability(p).removeprefix("p ").removeprefix("= "))


def missing_table(card: Card, name: str, key: str) -> Table:
    """Returns where an attribute is not recorded."""
    entry = card.raw["missingness"][name]
    table = Table(
        key,
        f"Where {attribute_words(name)} is not recorded",
        ["among", "images", _NOT_RECORDED, "share", "tested by patient"],
    )
    for other, found in entry["by"].items():
        p = finite(found["association"].get("p_holm"))
        told = "no test" if p is None else probability(p, "adjusted p")
        for cell, counts in found["cells"].items():
            words = f"{other} {cell}" if other in ("split", "label") else subgroup_words(other, cell)
            share = counts["n_missing"] / counts["n"] if counts["n"] else None
            cells = [Cell(str(counts["n"])), Cell(str(counts["n_missing"])), Cell(percent(share))]
            table.add(words, [*cells, Cell(told, numeric=False)], strong=_is_low(card, p))
    table.add(
        ALL,
        [
            Cell(str(entry["n"])),
            Cell(str(entry["n_missing"])),
            Cell(percent(entry["n_missing"] / entry["n"])),
            Cell(""),
        ],
        strong=True,
        last=True,
    )
    return table


def acquisition_table(card: Card) -> Table:
    """Returns how well acquisition tells label and subgroups."""
    table = Table(
        "acquisition",
        "How well acquisition alone tells the label and the subgroups of patients it has not seen",
        ["from", "what is told", "AUROC", "p, adjusted"],
    )
    for row in card.raw["acquisition"]:
        value, p = stated(row["auroc"]), finite(row["auroc"].get("p_holm"))
        what = "the label" if row["target"] == "label" else subgroup_words(row["target"], row["subgroup"])
        table.add(
            shorten(" and ".join(row["from"]), 80),
            [
                Cell(what, numeric=False),
                table.value(value, 2),
                _p_value(table, p),
            ],
            strong=(value.value or 0.0) >= card.alarm("auroc") and _is_low(card, p),
        )
    return table


def traits_table(quality: Mapping[str, Any]) -> Table:
    """Returns the median of each image property, and how many images are unlike the others in it."""
    table = Table("traits", "Image properties", ["property", "median", "images unlike the others"])
    for trait, words in TRAITS.items():
        median = finite(quality["medians"].get(trait))
        shown = "–" if median is None else f"{2**median if trait in _LOGARITHMS else median:.3g}"
        table.add(words, [Cell(shown), Cell(str(quality["n_outliers"][trait]))])
    return table


TRAITS = {
    "brightness": "brightness (mean, 0 to 1)",
    "contrast": "contrast (standard deviation)",
    "sharpness": "sharpness (variance of the Laplacian)",
    "entropy": "entropy (bits)",
    "size": "size (pixels)",
    "aspect": "width over height",
}
"""Image properties, in words."""

_LOGARITHMS = ("sharpness", "size", "aspect")


def differences_table(card: Card, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Returns how the images of a subgroup differ from all others, in standard deviations between patients."""
    table = Table(
        "differences",
        "Images of each subgroup against all others: standardised mean differences, by patient",
        ["subgroup", *TRAITS],
    )
    for attribute, subgroup in dict.fromkeys((row["attribute"], row["subgroup"]) for row in rows):
        cells = []
        for trait in TRAITS:
            (row,) = [r for r in rows if (r["attribute"], r["subgroup"], r["trait"]) == (attribute, subgroup, trait)]
            value = stated(row)
            if value.value is None:
                cells.append(table.undefined(value.reason))
                continue
            is_large = abs(value.value) >= card.alarm("standardised_difference")
            is_clear = is_large and _is_low(card, row["p_holm"])
            ends = f"{signed(value.low, 2)} to {signed(value.high, 2)}"
            cells.append(Cell(signed(value.value, 2) + " *" * is_clear, detail=ends))
        table.add(subgroup_words(attribute, subgroup), cells)
    return table


def detectable_table(card: Card) -> Table:
    """Returns the smallest AUROC gap that each split would probably show."""
    table = Table(
        "detectable",
        "Smallest true AUROC gap between two subgroups that a split would show with 80 % probability",
        ["attribute", *SPLITS[1:]],
    )
    for name, gaps in card.raw["minimum_detectable_gap"].items():
        table.add(shorten(name, 80), [table.value(stated(gaps[split]), 2) for split in SPLITS[1:]])
    return table
