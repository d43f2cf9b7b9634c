"""Tables of the cohort: who is in it, and which subgroups entered the objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.names import subgroup_detail
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import SPLITS
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import enumerate_words, percent, shorten
from monai_fairtune.subgroups import reporting_minimum

__all__ = ["cohort_table", "eligibility_table"]

_COUNTS = ("n", "n_patients", "n_positive")


def _splits(reading: Reading) -> dict[str, Mapping[str, Any]]:
    """Returns the counts of each split, whether they lie under ``splits`` or directly in the cohort."""
    cohort = reading.raw.get("cohort") or {}
    counts = cohort.get("splits") or cohort
    return {split: counts[split] for split in SPLITS if isinstance(counts.get(split), Mapping)}


def cohort_table(reading: Reading) -> Table | None:
    """Returns images, patients and images of class 1 by split, for all and for each subgroup of each attribute."""
    splits = _splits(reading)
    if not splits:
        return None
    table = Table(
        "cohort",
        "Images, patients and images of class 1 in each split",
        ["", *["images", "patients", "class 1"] * len(splits)],
        [("", 1), *((split, 3) for split in splits)],
    )
    table.add("all", [cell for counts in splits.values() for cell in _counts(counts)], strong=True)
    for attribute in reading.attributes:
        for name in _names(splits, attribute):
            entries = [_subgroups(counts, attribute).get(name) or {} for counts in splits.values()]
            table.add(
                name,
                [cell for entry in entries for cell in _counts(entry)],
                detail=subgroup_detail(attribute, name) or shorten(attribute, 80),
            )
        missing = [_missing(counts, attribute) for counts in splits.values()]
        cells = [cell for entry in missing for cell in _counts(entry)]
        table.add("not recorded", cells, detail=shorten(attribute, 80))
    return table


def _counts(entry: Mapping[str, Any]) -> list[Cell]:
    cells = [Cell(str(entry.get(key, ""))) for key in _COUNTS]
    n, positive = entry.get("n"), entry.get("n_positive")
    if isinstance(n, int) and isinstance(positive, int) and n:
        cells[2] = Cell(str(positive), detail=percent(positive / n))
    return cells


def _attribute(counts: Mapping[str, Any], attribute: str) -> Mapping[str, Any]:
    return (counts.get("attributes") or {}).get(attribute) or {}


def _subgroups(counts: Mapping[str, Any], attribute: str) -> Mapping[str, Any]:
    entry = _attribute(counts, attribute)
    found: Mapping[str, Any] = entry.get("subgroups") or entry
    return {name: value for name, value in found.items() if isinstance(value, Mapping) and "n" in value}


def _missing(counts: Mapping[str, Any], attribute: str) -> Mapping[str, Any]:
    entry = _attribute(counts, attribute)
    found = entry.get("missing", entry.get("n_missing", 0))
    return found if isinstance(found, Mapping) else {"n": found}


def _names(splits: Mapping[str, Mapping[str, Any]], attribute: str) -> list[str]:
    names = [name for counts in splits.values() for name in _subgroups(counts, attribute)]
    return list(dict.fromkeys(names))


def eligibility_table(reading: Reading) -> Table | None:
    """Returns positives and negatives of every subgroup in the splits that decide, and where they are too few."""
    eligibility = reading.raw.get("eligibility") or {}
    cells = eligibility.get("cells") or {}
    splits = [split for split in SPLITS if split in cells]
    if not splits:
        return None
    least = int(eligibility.get("min_per_class") or 0)
    limits = {split: reporting_minimum(least) if split == "test" else least for split in splits}
    table = Table(
        "eligibility",
        "Images of class 0 and class 1 of each subgroup; at least "
        + enumerate_words([f"{limits[split]} of each on {split}" for split in splits])
        + " are asked for",
        ["subgroup", *["class 0", "class 1"] * len(splits)],
        [("", 1), *((split, 2) for split in splits)],
    )
    for attribute in reading.attributes:
        for name in dict.fromkeys(name for split in splits for name in cells[split].get(attribute) or {}):
            found = {split: (cells[split].get(attribute) or {}).get(name) or ("", "") for split in splits}
            counted = [_eligible(n, limits[split]) for split, pair in found.items() for n in pair]
            table.add(name, counted, detail=shorten(attribute, 80))
    return table


def _eligible(n: object, least: int) -> Cell:
    return Cell(str(n), detail="too few" if isinstance(n, int) and n < least else "")
