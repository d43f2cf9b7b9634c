"""A cohort check as a page of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai_fairtune.cohort.console import WIDTH, wrapped
from monai_fairtune.cohort.paths import summarize
from monai_fairtune.predictions import printable

if TYPE_CHECKING:
    from monai_fairtune.cohort.check import CohortCheck
    from monai_fairtune.cohort.duplicates import Duplicates
    from monai_fairtune.cohort.looking import Looked

__all__ = ["check_text"]

_LABEL = 25
_CELL = 6
_MOST_SHOWN = 5


def check_text(check: CohortCheck) -> str:
    """Returns the page: counts, detectable gaps, images, and what must be mended; lines of at most 98 characters.

    Control characters in names are replaced.
    """
    parts = [_heading(check), _counts(check), _gaps(check), _images(check), _verdict(check)]
    return "\n\n".join("\n".join(map(printable, part)) for part in parts) + "\n"


def _heading(check: CohortCheck) -> Iterator[str]:
    counts, names = check.counts, check.cohort.class_names
    meaning = "" if names == ("0", "1") else f" (0 = {names[0]}; 1 = {names[1]})"
    n, positive = counts["n"], counts["n_positive"]
    yield from wrapped(
        f"{n} images of {counts['n_patients']} patients, {positive} ({positive / n:.1%}) of class 1{meaning}. "
        f"{check.cohort.split_rule}",
        indent="",
    )


def _counts(check: CohortCheck) -> Iterator[str]:
    splits: Mapping[str, Mapping[str, Any]] = check.counts["splits"]
    small = {(cell.split, cell.attribute, cell.subgroup) for cell in check.small}
    yield " " * _LABEL + "".join(f"{split:>{3 * _CELL}}" for split in splits)
    yield " " * _LABEL + "".join(f"{name:>{_CELL}}" for _ in splits for name in ("neg", "pos", "pat."))
    yield _row("all images", splits.values())
    for attribute in next(iter(splits.values()))["attributes"]:
        cells = {split: counts["attributes"][attribute] for split, counts in splits.items()}
        yield attribute[: WIDTH - 1]
        for name in next(iter(cells.values()))["subgroups"]:
            stars = ["*" if (split, attribute, name) in small else " " for split in splits]
            yield _row(f"  {name}", [entry["subgroups"][name] for entry in cells.values()], stars)
        if any(entry["missing"]["n"] for entry in cells.values()):
            yield _row("  not recorded", [entry["missing"] for entry in cells.values()])
    if small:
        yield f"* fewer images of a class than a search asks for: {check.min_per_class}, or 10 on test if that is less."


def _row(label: str, cells: Iterable[Mapping[str, int]], stars: Sequence[str] = "    ") -> str:
    texts = [
        f"{cell['n'] - cell['n_positive']:>{_CELL}}{cell['n_positive']:>{_CELL}}{star}{cell['n_patients']:>{_CELL - 1}}"
        for cell, star in zip(cells, stars, strict=True)
    ]
    return f"{_shorten(label, _LABEL):<{_LABEL}}" + "".join(texts)


def _gaps(check: CohortCheck) -> Iterator[str]:
    yield "Smallest true AUROC gap between two subgroups that a split would show with 80 % probability:"
    for attribute, gaps in check.detectable_gaps.items():
        shown = ", ".join(f"{split} {'none' if isinstance(gap, str) else f'{gap:.2f}'}" for split, gap in gaps.items())
        yield f"{_shorten('  ' + attribute, _LABEL):<{_LABEL}} {shown}"
    if any(isinstance(gap, str) for gaps in check.detectable_gaps.values() for gap in gaps.values()):
        yield "  none: there is one subgroup only, a subgroup lacks a class, or is too small for any gap."


def _images(check: CohortCheck) -> Iterator[str]:
    looked, n = check.looked, check.cohort.n
    if looked is None:
        yield "Images were not opened: nothing is known of damaged files, copies and image quality."
        return
    n_bad = len(looked.unreadable)
    yield f"{n - n_bad} of {n} images were decoded."
    yield from _some(f"{name}: {reason}" for name, reason in looked.unreadable)
    yield from _duplicates(looked.duplicates)
    yield from _near_duplicates(looked)
    yield from _quality(looked.quality)


def _duplicates(groups: Sequence[Duplicates]) -> Iterator[str]:
    if not groups:
        yield "No two files are equal."
        return
    across = [group for group in groups if len(group.splits) > 1]
    yield f"Files that occur under several names: {len(groups)}, in several splits: {len(across)}."
    yield from _some(_group(group) for group in across or groups)


def _near_duplicates(looked: Looked) -> Iterator[str]:
    if looked.near is None:
        yield "Images that look alike were not searched for: that needs pip install 'monai-fairtune[quality]'."
        return
    yield from wrapped(
        f"Groups of images that look alike (at most {looked.near['max_distance']} of {looked.near['n_bits']} bits "
        f"differ), across splits or patients: {looked.near['n_groups']}.",
        indent="",
    )
    yield from _some(f"{_group(group)}, {group.distance} bits" for group in looked.near_duplicates)


def _group(group: Duplicates) -> str:
    where = f"in {', '.join(group.splits)}, of {group.n_patients} patient{'s' * (group.n_patients > 1)}"
    return f"{summarize(group.images, 3)} ({where})"


def _quality(quality: Mapping[str, Any]) -> Iterator[str]:
    yield f"Images of one colour: {quality['n_constant']}; unlike the others: {quality['n_unlike']}."
    yield from _some(f"{name}: of one colour" for name in quality["constant"])
    farthest = sorted(quality["outliers"], key=lambda found: -abs(found["z"]))
    yield from _some(
        f"{found['image']}: {found['trait']} {found['z']:+.1f} robust standard deviations off" for found in farthest
    )


def _some(items: Iterable[str]) -> Iterator[str]:
    """Yields the first few items as a list, and how many more there are."""
    listed = list(items)
    for item in listed[:_MOST_SHOWN]:
        yield from wrapped(item, first="- ")
    if len(listed) > _MOST_SHOWN:
        yield f"  and {len(listed) - _MOST_SHOWN} more"


def _verdict(check: CohortCheck) -> Iterator[str]:
    if not check.problems and not check.refused:
        yield "Nothing was found that would stop a search without k-fold validation."
    for heading, found in (
        ("To be mended first:", check.problems),
        ("A search would refuse these attributes:", check.refused.values()),
        ("To be looked at:", check.cautions),
    ):
        if found:
            yield heading
        for text in found:
            yield from wrapped(text, first="- ")


def _shorten(text: str, width: int) -> str:
    return text if len(text) < width else f"{text[: width - 4]}..."
