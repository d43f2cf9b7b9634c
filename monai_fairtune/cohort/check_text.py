"""A cohort check as a page of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.cohort.paths import summarize

if TYPE_CHECKING:
    from monai_fairtune.cohort.check import CohortCheck

__all__ = ["check_text"]

_WIDTH = 98
_LABEL = 25
_CELL = 6
_MOST_SHOWN = 5


def check_text(check: CohortCheck) -> str:
    """Returns the page: counts, detectable gaps, images, and what must be mended; lines of at most 98 characters."""
    parts = [_heading(check), _counts(check), _gaps(check), _images(check), _verdict(check)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _heading(check: CohortCheck) -> Iterator[str]:
    counts, names = check.counts, check.class_names
    meaning = "" if names == ("0", "1") else f" (0 = {names[0]}, 1 = {names[1]})"
    n, positive = counts["n"], counts["n_positive"]
    yield from _wrap(
        f"{n} images of {counts['n_patients']} patients, {positive} ({positive / n:.1%}) of class 1{meaning}. "
        f"{check.split_rule}"
    )


def _counts(check: CohortCheck) -> Iterator[str]:
    splits: Mapping[str, Mapping[str, Any]] = check.counts["splits"]
    small = {(cell.split, cell.attribute, cell.subgroup) for cell in check.small}
    yield " " * _LABEL + "".join(f"{split:>{3 * _CELL}}" for split in splits)
    yield " " * _LABEL + "".join(f"{name:>{_CELL}}" for _ in splits for name in ("neg", "pos", "pat."))
    yield _row("all images", splits.values())
    for attribute in next(iter(splits.values()))["attributes"]:
        cells = {split: counts["attributes"][attribute] for split, counts in splits.items()}
        yield attribute[: _WIDTH - 1]
        for name in next(iter(cells.values()))["subgroups"]:
            stars = ["*" if (split, attribute, name) in small else " " for split in splits]
            yield _row(f"  {name}", [entry["subgroups"][name] for entry in cells.values()], stars)
        if any(entry["missing"]["n"] for entry in cells.values()):
            yield _row("  not recorded", [entry["missing"] for entry in cells.values()])
    if small:
        yield from _wrap(
            f"* fewer than {check.min_per_class} images of a class: an objective refuses this subgroup unless "
            "min_per_class is lowered. Merge subgroups, or give these splits more patients."
        )


def _row(label: str, cells: Iterable[Mapping[str, int]], stars: Sequence[str] = "    ") -> str:
    texts = [
        f"{cell['n'] - cell['n_positive']:>{_CELL}}{cell['n_positive']:>{_CELL}}{star}{cell['n_patients']:>{_CELL - 1}}"
        for cell, star in zip(cells, stars, strict=True)
    ]
    return f"{_shorten(label, _LABEL):<{_LABEL}}" + "".join(texts)


def _gaps(check: CohortCheck) -> Iterator[str]:
    yield from _wrap("Smallest true AUROC gap between two subgroups that a split would show with 80 % probability:")
    for attribute, gaps in check.detectable_gaps.items():
        shown = ", ".join(f"{split} {'-' if isinstance(gap, str) else f'{gap:.2f}'}" for split, gap in gaps.items())
        yield f"{_shorten('  ' + attribute, _LABEL):<{_LABEL}} {shown}"
    if any(isinstance(gap, str) for gaps in check.detectable_gaps.values() for gap in gaps.values()):
        yield "  -: a subgroup lacks a class there, so that it has no AUROC."


def _images(check: CohortCheck) -> Iterator[str]:
    n_bad = len(check.unreadable)
    yield f"{check.counts['n'] - n_bad} of {check.counts['n']} images were decoded."
    for name, reason in check.unreadable[:_MOST_SHOWN]:
        yield from _wrap(f"- {name}: {reason}", indent="  ")
    if n_bad > _MOST_SHOWN:
        yield f"  and {n_bad - _MOST_SHOWN} more"
    if not check.duplicates:
        yield "No two files are equal."
        return
    across = [group for group in check.duplicates if len(group.splits) > 1]
    yield f"Files that occur under several names: {len(check.duplicates)}, in several splits: {len(across)}."
    for group in (across or list(check.duplicates))[:_MOST_SHOWN]:
        where = f"in {', '.join(group.splits)}, of {group.n_patients} patient{'s' * (group.n_patients > 1)}"
        yield from _wrap(f"- {summarize(group.images, 3)} ({where})", indent="  ")


def _verdict(check: CohortCheck) -> Iterator[str]:
    yield "To be mended first:" if check.problems else "Nothing was found that would stop a search."
    for problem in check.problems:
        yield from _wrap(f"- {problem}", indent="  ")
    if check.cautions:
        yield "To be looked at:"
    for caution in check.cautions:
        yield from _wrap(f"- {caution}", indent="  ")


def _wrap(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent)


def _shorten(text: str, width: int) -> str:
    return text if len(text) < width else f"{text[: width - 4]}..."
