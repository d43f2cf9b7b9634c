"""The first page: plain words, no jargon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.audit.reading import Audit, Part
from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.stored import SUPPRESSED, Stated, stated, worst_group
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import enumerate_words, number, percent, shorten

__all__ = ["harm_table", "headline", "overview_table", "plain_limits", "story"]


def ranked(part: Part) -> tuple[Stated, str, list[str]]:
    """Returns the lowest worst-group AUROC, its attribute, and the attributes whose groups cannot be ranked."""
    assessed = part.assessed
    able = [name for name in assessed.attributes if assessed.measure(name, "worst_group_auroc").value is not None]
    worst, attribute = worst_group(assessed.raw, able or assessed.attributes)
    return worst, attribute, [name for name in assessed.attributes if name not in able]


def headline(part: Part) -> str:
    """Returns who is worst off, in a few words."""
    worst, attribute, unranked = ranked(part)
    if worst.value is None or not worst.subgroup:
        return "Which group is worst off cannot be said"
    among = " of those that can be ranked" if unranked else ""
    p = part.assessed.chance(attribute, "p_value")
    chance = "" if p is not None and p < 0.05 else ", which may be chance"
    return f"Worst off{among}: {subgroup_words(attribute, worst.subgroup)}{chance}"


def story(part: Part) -> list[str]:
    """Returns three short paragraphs: how many errors there are, who is worst off, and who is missed most often."""
    return [_errors(part), _worst_off(part), *_missed(part)]


def _errors(part: Part) -> str:
    assessed = part.assessed
    missed, alarms = (assessed.overall(f"{kind}_per_1000") for kind in ("fn", "fp"))
    n, n_patients = assessed.raw.get("n"), assessed.raw.get("n_patients")
    share = percent(stated(assessed.raw.get("prevalence")).value)
    first = f"The model was assessed on {n} images of {n_patients} patients; {share} of the images show {part.finding}."
    if missed.value is None or alarms.value is None:
        return first
    return (
        f"{first} Used as it is set now, it misses about {number(missed.value, 0)} cases in 1000 {assessed.counted}"
        f"{_plausibly(missed)} and raises about {number(alarms.value, 0)} false alarms in 1000{_plausibly(alarms)}."
    )


def _plausibly(value: Stated, scale: float = 1.0) -> str:
    if value.low is None or value.high is None:
        return ""
    return f" (plausibly {number(scale * value.low, 0)} to {number(scale * value.high, 0)})"


def _of_100(value: Stated, of: str = "") -> str:
    return f"{number(100 * (value.value or 0.0), 0)}{of}{_plausibly(value, 100)}"


def _worst_off(part: Part) -> str:
    assessed = part.assessed
    worst, attribute, unranked = ranked(part)
    small = enumerate_words([attribute_words(name) for name in unranked])
    too_small = f"In a group of {small}, too few images show {part.finding}, or too few do not."
    if any(assessed.measure(name, "worst_group_auroc").suppressed for name in unranked):
        too_small = f"A group of {small} is withheld because so few people are in it, and ranking needs every group."
    if worst.value is None:
        return f"Which group is worst off cannot be said. {too_small}"
    best = assessed.measure(attribute, "best_group_auroc")
    against = (
        f", against {_of_100(best, ' of 100')} for {subgroup_words(attribute, best.subgroup)}"
        if best.value is not None and best.subgroup and best.subgroup != worst.subgroup
        else ""
    )
    whom, pairs = subgroup_words(attribute, worst.subgroup or "unnamed"), _of_100(worst, " of 100 such pairs")
    told = (
        f"The model separates images with and without {part.finding} least well for {whom}. Given one of each from "
        f"this group, it ranks the two correctly in {pairs}{against}; guessing gives 50. {_chance(assessed, attribute)}"
    )
    return f"{told} The groups of {small} cannot be ranked: {too_small[0].lower()}{too_small[1:]}" if unranked else told


def _chance(assessed: Assessed, attribute: str) -> str:
    p, looks = assessed.chance(attribute, "p_value"), len(assessed.attributes)
    if p is None:
        return "Whether this difference is more than chance was not tested."
    if p >= 0.05:
        return "This difference cannot be told from chance with so many patients."
    if p * looks >= 0.05:
        return (
            f"This difference is larger than chance alone usually makes, but {looks} ways of grouping were looked at: "
            "take it as a hint."
        )
    return "This difference is larger than chance alone usually makes."


def _missed(part: Part) -> list[str]:
    told = []
    for attribute in part.assessed.attributes:
        rates = {name: part.assessed.subgroup(attribute, name, "fnr") for name in part.assessed.subgroups(attribute)}
        known = {name: rate for name, rate in rates.items() if rate.value is not None}
        if len(known) > 1:
            told.append(_missed_by(part, attribute, known))
    return [" ".join(told[:2])] if told else []


def _missed_by(part: Part, attribute: str, rates: Mapping[str, Stated]) -> str:
    most = max(rates, key=lambda name: rates[name].value or 0.0)
    least = min(rates, key=lambda name: rates[name].value or 0.0)
    low, high = rates[most].low, rates[least].high
    apart = low is not None and high is not None and low > high
    ranges = (
        "the plausible ranges do not overlap"
        if apart
        else "the plausible ranges overlap, so this may be chance"
        if low is not None and high is not None
        else "whether this is more than chance was not tested"
    )
    return (
        f"By {attribute_words(attribute)}: of 100 images with {part.finding}, {_of_100(rates[most])} are missed for "
        f"{subgroup_words(attribute, most)} and {_of_100(rates[least])} for {subgroup_words(attribute, least)}; "
        f"{ranges}."
    )


def overview_table(audit: Audit) -> Table:
    """Returns a row a class: who is worst off, and how many errors there are."""
    table = Table(
        "overview",
        "Who is worst off, class by class",
        [
            *(
                "class",
                "images of it",
                "worst-off group",
                "pairs of 100 ranked correctly there",
                "difference to others",
            ),
            *(f"missed per 1000 {audit.first.counted}", "false alarms per 1000"),
        ],
    )
    for part in audit.parts:
        worst, attribute, _ = ranked(part)
        whom = subgroup_words(attribute, worst.subgroup) if worst.subgroup else "cannot be said"
        missed, alarms = (part.assessed.overall(f"{kind}_per_1000") for kind in ("fn", "fp"))
        table.add(
            shorten(part.name, 60),
            [
                Cell(str(_with_finding(part.assessed))),
                Cell(whom, numeric=False),
                _plain(table, worst.scaled(100)),
                Cell(_chance_in_short(part.assessed, attribute), numeric=False),
                *(_plain(table, value) for value in (missed, alarms)),
            ],
        )
    return table


def _chance_in_short(assessed: Assessed, attribute: str) -> str:
    p = assessed.chance(attribute, "p_value")
    if p is None:
        return "not tested"
    looks = len(assessed.attributes)
    return "may be chance" if p >= 0.05 else "a hint" if p * looks >= 0.05 else "more than chance"


def harm_table(part: Part) -> Table:
    """Returns missed cases and false alarms of every subgroup of every attribute, with ranges in words."""
    assessed = part.assessed
    table = Table(
        part.keyed("harm"),
        f"Missed cases and false alarms, counted per 1000 {assessed.counted} of each group",
        [
            "group",
            "images",
            f"with {part.finding}",
            "missed per 1000",
            "false alarms per 1000",
            f"missed of 100 with {part.finding}",
        ],
    )
    for attribute in assessed.attributes:
        for name in assessed.subgroups(attribute):
            entry = assessed.entry(attribute, name)
            table.add(subgroup_words(attribute, name), _harm_cells(table, entry, entry))
    counts = {"n": assessed.raw.get("n"), "n_positive": _with_finding(assessed)}
    table.add("everybody", _harm_cells(table, counts, assessed.raw.get("overall") or {}), strong=True, last=True)
    return table


def _with_finding(assessed: Assessed) -> object:
    share = stated(assessed.raw.get("prevalence")).value
    return "" if share is None else round(share * int(assessed.raw.get("n") or 0))


def _harm_cells(table: Table, counts: Mapping[str, Any], values: Mapping[str, Any]) -> list[Cell]:
    missed, alarms = (stated(values.get(f"{kind}_per_1000")) for kind in ("fn", "fp"))
    told = [*(_plain(table, value) for value in (missed, alarms)), _plain(table, stated(values.get("fnr")).scaled(100))]
    return [Cell(str(counts.get("n", ""))), Cell(str(counts.get("n_positive", ""))), *told]


def _plain(table: Table, value: Stated) -> Cell:
    if value.value is None:
        reason = (
            "Withheld: this group is very small, or would tell about one that is." if value.suppressed else value.reason
        )
        return table.undefined(_without_jargon(reason), SUPPRESSED if value.suppressed else "not known")
    ends = f"plausibly {number(value.low, 0)} to {number(value.high, 0)}" if value.has_interval else ""
    return Cell(number(value.value, 0), detail=ends)


def _without_jargon(reason: str) -> str:
    known = any(word in reason for word in ("TPR", "FPR", "FNR", "AUROC", "rate"))
    return "The group holds too few images with, or without, the finding." if known else reason


def plain_limits(audit: Audit) -> list[str]:
    """Returns what cannot be concluded, in plain words."""
    assessed = audit.first
    return [
        "That the model treats everybody alike, or is safe to use: differences that were not looked for, or that are "
        "smaller than this number of patients can show, may be there.",
        *_too_small_to_see(assessed),
        *_left_out(audit),
        "Why groups differ. Age, sex or skin type may stand for other things, such as the stage of a disease, the "
        "device or the quality of the images.",
        "How the model does in another hospital, on another device, or with another setting for raising an alarm.",
    ]


def _too_small_to_see(assessed: Assessed) -> list[str]:
    gaps = []
    for attribute in assessed.attributes:
        gap = assessed.measure(attribute, "minimum_detectable_gap").value
        if gap is not None:
            gaps.append(f"{100 * gap:.0f} pairs in 100 between groups of {attribute_words(attribute)}")
    if not gaps:
        return []
    return [f"That smaller differences are absent: a true one below about {enumerate_words(gaps)} easily goes unseen."]


def _left_out(audit: Audit) -> list[str]:
    missing, withheld = [], 0
    for attribute in audit.first.attributes:
        n = audit.first.attribute(attribute).get("n_missing") or 0
        if n:
            missing.append(
                f"the {str(n).replace('<', 'fewer than ')} images without a recorded {attribute_words(attribute)}"
            )
        withheld += sum(
            audit.first.subgroup(attribute, g, "brier").suppressed for g in audit.first.subgroups(attribute)
        )
    told = [f"Anything about {enumerate_words(missing)}: they are in no group."] if missing else []
    if withheld:
        told.append(f"Anything about {_groups(withheld)} withheld because so few people are in them.")
    return told


def _groups(n: int) -> str:
    return "the one group that is" if n == 1 else f"the {n} groups that are"
