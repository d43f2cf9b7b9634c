"""What cannot be concluded, in plain words."""

from __future__ import annotations

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.audit.reading import Audit
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.wording import enumerate_words

__all__ = ["plain_limits"]


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
    gaps, unseen = [], []
    for attribute in assessed.attributes:
        gap = assessed.measure(attribute, "minimum_detectable_gap").value
        groups = f"groups of {attribute_words(attribute)}"
        if gap is None:
            unseen.append(groups)
        else:
            gaps.append(f"{100 * gap:.0f} pairs in 100 between {groups}")
    told = []
    if gaps:
        told.append(
            f"That smaller differences are absent: a true one below about {enumerate_words(gaps)} easily goes unseen."
        )
    if unseen:
        told.append(
            f"That {enumerate_words(unseen)} do not differ: how large a difference would have been seen cannot be said."
        )
    return told


def _left_out(audit: Audit) -> list[str]:
    missing, withheld = [], 0
    for attribute in audit.first.attributes:
        n = audit.first.attribute(attribute).get("n_missing") or 0
        if n:
            counted = f"{n} " if isinstance(n, int) else ""
            missing.append(f"the {counted}images without a recorded {attribute_words(attribute)}")
        withheld += sum(
            audit.first.subgroup(attribute, g, "brier").suppressed for g in audit.first.subgroups(attribute)
        )
    told = [f"Anything about {enumerate_words(missing)}: they are in no group."] if missing else []
    if withheld:
        groups = "the one group that is" if withheld == 1 else f"the {withheld} groups that are"
        told.append(f"Anything about {groups} withheld, because very few people are in some group.")
    return told
