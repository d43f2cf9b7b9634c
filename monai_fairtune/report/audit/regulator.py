"""Where the numbers come from, what was tested, and what cannot be concluded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monai_fairtune.report.assessed import Assessed, count_of
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.measures import MEASURES
from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.stored import stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import enumerate_words, isolate, number, printable, shorten

__all__ = ["attributes_table", "count_tests", "formal_limits", "notes_table", "origin", "small_numbers", "told_tests"]


def origin(audit: Audit) -> list[tuple[str, str]]:
    """Returns where the predictions come from, as names and values."""
    about, source, raw = audit.about, audit.source, audit.first.raw
    intervals = audit.first.intervals
    rows = [
        ("file", source.get("file")),
        ("SHA-256 of the file", source.get("sha256")),
        ("rows read", source.get("n_rows")),
        ("rows refused", source.get("n_refused")),
        ("images assessed", raw.get("n")),
        ("patients", raw.get("n_patients")),
        ("split", about.get("split") or "none named"),
        ("label column", _columns(about.get("label"))),
        ("score column", _columns(about.get("score"))),
        ("scores are", about.get("kind")),
        ("patient column", about.get("patient") or "none: each image counts as a patient"),
        ("written", str(about.get("created") or "").replace("T", " ").replace("+00:00", " UTC")),
        ("intervals", _intervals(audit.first, intervals)),
        ("seed of the resampling", intervals.get("seed")),
        ("versions", ", ".join(f"{name} {version}" for name, version in (about.get("versions") or {}).items())),
    ]
    return [(name, printable(str(value))) for name, value in rows if value not in (None, "")]


def _intervals(assessed: Assessed, intervals: Mapping[str, Any]) -> str:
    if not intervals:
        return "none were asked for"
    return (
        f"{assessed.level}; {intervals.get('n_replicates')} resamples of {intervals.get('unit') or 'patient'}s, "
        f"{intervals.get('n_permutations')} permutations; at most {intervals.get('max_images_per_patient')} images of "
        "one patient"
    )


def attributes_table(audit: Audit) -> Table:
    """Returns how each attribute was divided, what is missing, and which gap would be noticed."""
    table = Table(
        "attributes",
        "Attributes: how they were divided, and what is missing",
        ["attribute", "column", "subgroups", "merged", "images not recorded", "minimum detectable AUROC gap"],
    )
    declared = audit.about.get("attributes") or {}
    for name in audit.first.attributes:
        told = declared.get(name) or {}
        merged = "; ".join(map(_merge, told.get("merged") or []))
        subgroups = [isolate(shorten(group, 60)) for group in told.get("bins") or audit.first.subgroups(name)]
        table.add(
            shorten(name, 80),
            [
                Cell(shorten(str(told.get("column") or name), 60), numeric=False),
                Cell(", ".join(map(str, subgroups)), numeric=False),
                Cell(printable(merged) or "none", numeric=False),
                Cell(str(audit.first.attribute(name).get("n_missing") or 0)),
                table.value(audit.first.measure(name, "minimum_detectable_gap")),
            ],
        )
    return table


def _merge(entry: object) -> str:
    """Returns which subgroups became one; they are stored as a list, or as what they became and its parts."""
    if isinstance(entry, Mapping):
        return f"{' + '.join(map(str, entry.get('parts') or []))} = {entry.get('into')}"
    return " + ".join(map(str, entry)) if isinstance(entry, list) else str(entry)


def _columns(stored: object) -> str | None:
    """Returns the names of one or several columns."""
    if isinstance(stored, Mapping):
        return ", ".join(f"{name}: {column}" for name, column in stored.items())
    return ", ".join(map(str, stored)) if isinstance(stored, list) else stored if isinstance(stored, str) else None


def count_tests(audit: Audit) -> dict[str, int]:
    """Returns how many p-values were computed: of gaps against their null, and of pairs."""
    gaps = pairs = 0
    for part in audit.parts:
        for name in part.assessed.attributes:
            gaps += part.assessed.chance(name, "p_value") is not None
            pairs += sum(stated(pair.get("p_value")).value is not None for pair in part.assessed.pairs(name))
    return {"permutation_tests": gaps, "pairwise_tests": pairs}


def told_tests(audit: Audit) -> list[str]:
    """Returns what was tested and how it was corrected, in sentences."""
    n = count_tests(audit)
    if not any(n.values()):
        return ["No test was made, and no interval was asked for: this report describes and concludes nothing."]
    several = audit.macro is not None
    families = len(audit.parts) * len(audit.first.attributes)
    return [
        f"{n['permutation_tests']} permutation tests, one an attribute{_of_classes(audit)}: is the AUROC gap larger "
        "than if subgroups were exchanged among patients?",
        f"{n['pairwise_tests']} tests of pairs of subgroups. Two corrections for many pairs are given, each within one "
        "attribute: Holm's, and max-T, which takes the pairs' dependence into account. A difference is claimed only "
        "where the interval excludes zero and both corrected p-values are below 0.05.",
        f"Nothing is corrected across the {families} families of tests (attributes{' times classes' * several}): with "
        f"{families} true nulls, {number(0.05 * families, 2)} are expected below 0.05 by chance.",
        "Rates, calibration, parity differences and harm are described with intervals and were not tested.",
    ]


def _of_classes(audit: Audit) -> str:
    return " of each class" if audit.macro else ""


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
        yield from _grouped(f"{prefix}all images", "all", part.assessed.raw.get("overall") or {})
        for name in part.assessed.attributes:
            where = prefix + shorten(name, 60)
            for group in part.assessed.subgroups(name):
                yield from _grouped(where, isolate(shorten(group, 60)), part.assessed.entry(name, group))


def _grouped(where: str, subgroup: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    notes: dict[str, list[str]] = {}
    for measure, words in MEASURES.items():
        if measure in values:
            value = stated(values[measure])
            if text := value.note or value.reason:
                notes.setdefault(text, []).append(words)
    for note, measures in notes.items():
        every = len(measures) > 12
        yield where, subgroup, "all" if every else ", ".join(measures), note


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


def formal_limits(audit: Audit) -> list[str]:
    """Returns what cannot be concluded from the numbers."""
    found = [
        "Absence of differences. A gap that is not distinguishable from chance may still be there: "
        + _detectable(audit.first),
        "Causes. An attribute may stand for others, such as disease stage, device, site or image quality.",
        "Anything beyond this file: other patients, sites, devices, thresholds, or later versions of the model.",
        "Anything about attributes that were not declared, or images whose attribute is not recorded.",
        "That the labels are right: errors of labelling that differ between subgroups look like errors of the model.",
    ]
    return [*found, *_descriptive(audit)]


def _detectable(assessed: Assessed) -> str:
    told = []
    for name in assessed.attributes:
        gap = assessed.measure(name, "minimum_detectable_gap").value
        told.append(f"{attribute_words(name)} {number(gap) if gap is not None else 'not known'}")
    return f"the smallest AUROC gap that these counts show with a power of 80 % is {enumerate_words(told)}."


def _descriptive(audit: Audit) -> list[str]:
    found = []
    for name in audit.first.attributes:
        if "*" not in name:
            continue
        few = [g for g in audit.first.subgroups(name) if audit.first.subgroup(name, g, "auroc").value is None]
        tested = any(stated(pair.get("p_value")).value is not None for pair in audit.first.pairs(name))
        if few or not tested:
            names = (
                f" ({enumerate_words([subgroup_words(name, g) for g in few[:6]])} too small or withheld)" if few else ""
            )
            found.append(
                f"Comparisons across the intersection {attribute_words(name)}{names}: its subgroups are described only."
            )
    return found
