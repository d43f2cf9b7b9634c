"""What is undefined, withheld, small, or to be read with care."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monai_fairtune.report.assessed import count_of
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.measures import MEASURES
from monai_fairtune.report.stored import stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import isolate, shorten

__all__ = ["notes_table", "small_numbers"]


def notes_table(audit: Audit) -> Table | None:
    """Returns every number that is undefined, withheld, or whose interval needs care; None where there is none."""
    rows = list(_noted(audit))
    if not rows:
        return None
    table = Table(
        "noted",
        "Numbers that are undefined, withheld, or whose interval needs care",
        ["where", "subgroup", "measures", "what is to be known"],
    )
    for where, subgroup, measures, note in rows:
        table.add(where, [Cell(text, numeric=False) for text in (subgroup, measures, note)])
    return table


def _noted(audit: Audit) -> Iterator[tuple[str, str, str, str]]:
    for part in audit.parts:
        prefix = f"{shorten(part.name, 40)}: " if part.name else ""
        yield from _grouped(f"{prefix}all images", {"all": part.assessed.raw.get("overall") or {}})
        for name in part.assessed.attributes:
            groups = {
                isolate(shorten(group, 60)): part.assessed.entry(name, group) for group in part.assessed.subgroups(name)
            }
            yield from _grouped(prefix + shorten(name, 60), groups)


def _grouped(where: str, cells: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Yields a row for subgroups that share a note on the same measures."""
    alike: dict[tuple[str, str], list[str]] = {}
    for subgroup, values in cells.items():
        for note, measures in _notes(values).items():
            named = "all" if len(measures) > 12 else ", ".join(measures)
            alike.setdefault((named, note), []).append(subgroup)
    for (measures_told, note), subgroups in alike.items():
        yield where, ", ".join(subgroups), measures_told, note


def _notes(values: Mapping[str, Any]) -> dict[str, list[str]]:
    notes: dict[str, list[str]] = {}
    for measure, words in MEASURES.items():
        if measure in values:
            value = stated(values[measure])
            if text := value.note or value.reason:
                notes.setdefault(text, []).append(words)
    return notes


def small_numbers(audit: Audit) -> list[str]:
    """Returns what was done about small numbers, in sentences."""
    least = audit.about.get("min_per_class")
    found = []
    if least:
        found.append(
            f"A subgroup needs at least {least} images of each class for an AUROC; with fewer it is not ranked, and no "
            "comparison of its attribute is made without it."
        )
    if audit.below:
        found.append(
            f"Subgroups with fewer than {audit.below} images, patients, or images of one class are withheld, and so "
            "are those whose numbers would tell them by subtraction. Comparisons need every subgroup of an attribute, "
            "and are withheld with them."
        )
    if _holds_small(audit, audit.below or 10):
        found.append(
            f"This report holds counts below {audit.below or 10}, in the page and in the files beside it: check your "
            "rules before you share it."
        )
    return found


def _holds_small(audit: Audit, below: int) -> bool:
    cells = [
        entry
        for part in audit.parts
        for name in part.assessed.attributes
        for entry in (
            *(part.assessed.entry(name, group) for group in part.assessed.subgroups(name)),
            part.assessed.attribute(name).get("missing") or {},
        )
    ]
    return any(0 < count < below for entry in cells for count in _counts(entry))


def _counts(entry: Mapping[str, Any]) -> Iterator[int]:
    n, positive = (count_of(entry.get(key)) for key in ("n", "n_positive"))
    found = [
        n,
        positive,
        count_of(entry.get("n_patients")),
        None if None in (n, positive) else (n or 0) - (positive or 0),
    ]
    yield from (count for count in found if count is not None)
