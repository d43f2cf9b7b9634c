"""Tables of one assessment: subgroups, comparisons, pairs, and gaps against chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monai_fairtune.report.assessed import Assessed, count_of
from monai_fairtune.report.measures import COMPARISONS, MEASURES, digits_of, interval_words
from monai_fairtune.report.names import attribute_words, subgroup_detail
from monai_fairtune.report.stored import Stated, stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import number, probability, shorten, signed

__all__ = [
    "RowCells",
    "add_subgroup_rows",
    "comparisons_table",
    "count_cells",
    "gaps_table",
    "measures_table",
    "p_cell",
    "pairs_table",
]

RowCells = Callable[[Mapping[str, Any], Mapping[str, Any], str | None], list[Cell]]
"""Makes the cells of a row from its counts, its values, and its subgroup (None for those that are none)."""

_COUNTS = ("n", "n_patients", "n_positive")


def add_subgroup_rows(table: Table, assessed: Assessed, attribute: str, cells: RowCells) -> None:
    """Adds a row a subgroup, then the images whose attribute is missing, and all images."""
    entry = assessed.attribute(attribute)
    for name in assessed.subgroups(attribute):
        values = assessed.entry(attribute, name)
        table.add(name, cells(values, values, name), detail=subgroup_detail(attribute, name))
    missing = entry.get("missing")
    told = cells(missing, missing, None) if missing else [Cell(str(entry.get("n_missing") or 0))]
    told += [Cell("")] * (len(table.columns) - 1 - len(told))
    table.add("not recorded", told, detail="in overall values, in no subgroup", last=True)
    counts = {**assessed.raw, "n_positive": _positives(assessed.raw)}
    table.add("all", cells(counts, assessed.raw.get("overall") or {}, None), strong=True, last=True)


def _positives(report: Mapping[str, Any]) -> object:
    n, prevalence = count_of(report.get("n")), stated(report.get("prevalence")).value
    return "" if n is None or prevalence is None else round(n * prevalence)


def count_cells(counts: Mapping[str, Any]) -> list[Cell]:
    """Returns images, patients and images of class 1."""
    return [Cell(str(counts.get(key, ""))) for key in _COUNTS]


def measures_table(
    assessed: Assessed, attribute: str, key: str, caption: str, groups: Mapping[str, Sequence[str]]
) -> Table:
    """Returns counts and the named measures of every subgroup, with intervals.

    Args:
        assessed: the report.
        attribute: whose subgroups to list.
        key: of the table on the page.
        caption: above it.
        groups: headings, each with the measures that stand below it.
    """
    measures = [measure for group in groups.values() for measure in group]
    table = Table(
        key,
        caption,
        ["subgroup", "images", "patients", "class 1", *(MEASURES[measure] for measure in measures)],
        [("", 1), ("counts", 3), *((heading, len(group)) for heading, group in groups.items())],
    )

    def cells(counts: Mapping[str, Any], values: Mapping[str, Any], _: str | None) -> list[Cell]:
        return [*count_cells(counts), *(table.value(stated(values.get(m)), digits_of(m)) for m in measures)]

    add_subgroup_rows(table, assessed, attribute, cells)
    return table


def comparisons_table(assessed: Assessed, attribute: str, key: str) -> Table:
    """Returns every comparison of an attribute's subgroups that is stored, with its interval and how it was made."""
    entry = assessed.attribute(attribute)
    table = Table(
        key,
        f"Comparisons of the subgroups of {attribute_words(attribute)}",
        ["measure", "value", f"{assessed.level} interval", "subgroup", "interval by"],
    )
    for measure, words in COMPARISONS.items():
        if measure in entry and measure != "minimum_detectable_gap":
            value, digits = stated(entry[measure]), digits_of(measure)
            bare = table.value(Stated(value.value, value.reason, note=value.note, suppressed=value.suppressed), digits)
            subgroup = Cell(shorten(value.subgroup or "", 60), numeric=False)
            table.add(words, [bare, _ends(value, digits), subgroup, Cell(interval_words(value.method), numeric=False)])
    return table


def _ends(value: Stated, digits: int) -> Cell:
    return Cell(f"{number(value.low, digits)} to {number(value.high, digits)}" if value.has_interval else "")


def pairs_table(assessed: Assessed, attribute: str, key: str) -> Table | None:
    """Returns the AUROC difference of every pair of subgroups with its p-values; None where no pair is stored."""
    pairs = assessed.pairs(attribute)
    if not pairs:
        return None
    table = Table(
        key,
        f"Pairs of subgroups of {attribute_words(attribute)}: AUROC difference, first minus second",
        ["pair", "difference", f"{assessed.level} interval", "p", "p (Holm)", "p (max-T)", "conclusion"],
    )
    for pair in pairs:
        value = stated(pair.get("difference"))
        shown = Cell(signed(value.value)) if value.value is not None else table.value(value)
        p_values = [stated(pair.get(name)).value for name in ("p_value", "p_holm", "p_max_t")]
        told = [p_cell(p) for p in p_values]
        names = " − ".join(str(name) for name in pair["subgroups"])
        table.add(names, [shown, _ends(value, 3), *told, Cell(_conclusion(value, p_values), numeric=False)])
    return table


def _conclusion(value: Stated, p_values: Sequence[float | None]) -> str:
    """Claims a difference only where the interval and both corrected p-values show it."""
    if value.value is None:
        return ""
    corrected = [p for p in p_values[1:] if p is not None]
    excludes = value.low is not None and value.high is not None and (value.low > 0 or value.high < 0)
    if not corrected or max(corrected) >= 0.05 or not excludes:
        return "not distinguishable"
    return "first higher" if value.value > 0 else "second higher"


def p_cell(value: float | None) -> Cell:
    """Returns the cell of a p-value."""
    return Cell(probability(value).removeprefix("p ").removeprefix("= "))


def gaps_table(assessed: Assessed, key: str) -> Table:
    """Returns the AUROC gap of each attribute against its permutation null, and the gap that would be noticed."""
    table = Table(
        key,
        "AUROC gap of each attribute against chance",
        [
            *("attribute", "AUROC gap", "by chance: mean", "by chance: 95th percentile", "p", "test"),
            *("minimum detectable gap", "conclusion"),
        ],
    )
    for name in assessed.attributes:
        p = assessed.chance(name, "p_value")
        chance = [Cell(number(assessed.chance(name, part))) for part in ("null_mean", "null_high")]
        gap = assessed.attribute(name).get("auroc_gap")
        test = str(gap.get("test") or "") if isinstance(gap, Mapping) else ""
        concluded = "" if p is None else "more than chance" if p < 0.05 else "not distinguishable from chance"
        table.add(
            shorten(name, 80),
            [
                table.value(assessed.measure(name, "auroc_gap")),
                *chance,
                p_cell(p),
                Cell(test, numeric=False),
                table.value(assessed.measure(name, "minimum_detectable_gap")),
                Cell(concluded, numeric=False),
            ],
        )
    return table
