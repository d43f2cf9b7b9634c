"""The first page: plain words, no jargon."""

from __future__ import annotations

from collections.abc import Mapping

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.audit.reading import Part
from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.stored import Stated, stated, worst_group
from monai_fairtune.report.wording import enumerate_words, number, percent

__all__ = ["headline", "ranked", "story"]


def ranked(part: Part) -> tuple[Stated, str, list[str]]:
    """Returns the lowest worst-group AUROC, its attribute, and the attributes whose groups cannot be ranked."""
    assessed = part.assessed
    if not assessed.attributes:
        return Stated(None, "no attribute was declared"), "", []
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
        too_small = f"A group of {small} is withheld because very few people are in one, and ranking needs every group."
    if worst.value is None:
        return f"Which group is worst off cannot be said. {too_small}" if unranked else "No groups were named."
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
        return "With this number of patients, the difference cannot be told from chance."
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
