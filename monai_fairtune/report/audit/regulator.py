"""Where the numbers come from, what was tested, and what cannot be concluded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.audit.alarms import rule_words
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.stored import stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import enumerate_words, isolate, number, printable, shorten

__all__ = ["attributes_table", "count_tests", "formal_limits", "origin", "told_tests"]


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
    windows = audit.raw.get("windows")
    return [*_told_subgroup_tests(audit), *([rule_words(windows)] if windows else [])]


def _told_subgroup_tests(audit: Audit) -> list[str]:
    n = count_tests(audit)
    if not any(n.values()):
        made = "The result of no test is given" if audit.first.intervals else "No test was made"
        asked = "" if audit.first.intervals else ", and no interval was asked for"
        return [f"{made}{asked}: this report describes and concludes nothing."]
    several, families = audit.macro is not None, n["permutation_tests"]
    across = (
        f"Nothing is corrected across the {families} attributes{' and classes' * several} that were tested: if none of "
        f"them had a true gap, {number(0.05 * families, 2)} would be expected below 0.05 by chance."
    )
    return [
        f"Permutation tests whose result is given: {n['permutation_tests']}, one an attribute"
        f"{' of each class' * several}. Is the AUROC gap larger than if subgroups were exchanged among patients?",
        f"Tests of pairs of subgroups whose result is given: {n['pairwise_tests']}. Two corrections for many pairs are "
        "made, each within one attribute: Holm's, and max-T, which takes the pairs' dependence into account. A "
        "difference is claimed only where the interval excludes zero and both corrected p-values are below 0.05.",
        *([across] if families > 1 else []),
        "Rates, calibration, parity differences and harm are described with intervals and were not tested.",
    ]


def formal_limits(audit: Audit) -> list[str]:
    """Returns what cannot be concluded from the numbers."""
    found = [
        "Absence of differences. A gap that is not distinguishable from chance may still be there. "
        + _detectable(audit.first),
        "Causes. An attribute may stand for others, such as disease stage, device, site or image quality.",
        "Anything beyond this file: other patients, sites, devices, thresholds, or later versions of the model.",
        "Anything about attributes that were not declared, or images whose attribute is not recorded.",
        "That the labels are right: errors of labelling that differ between subgroups look like errors of the model.",
    ]
    return [*found, *_descriptive(audit)]


def _detectable(assessed: Assessed) -> str:
    gaps = {name: assessed.measure(name, "minimum_detectable_gap").value for name in assessed.attributes}
    known = [f"{number(gap)} for {attribute_words(name)}" for name, gap in gaps.items() if gap is not None]
    unknown = [attribute_words(name) for name, gap in gaps.items() if gap is None]
    told = [f"The smallest AUROC gap that these counts show with a power of 80 % is {enumerate_words(known)}."]
    missing = [f"For {enumerate_words(unknown)} it is not given."]
    return " ".join([*(told if known else []), *(missing if unknown else [])])


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
