"""Whether the final model is better than the best fixed method, and who lost: no more than the intervals show."""

from __future__ import annotations

from monai_fairtune.report.comparison import Comparison, against_best_fixed
from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import Stated, stated, worst_group
from monai_fairtune.report.wording import enumerate_words, number, probability, signed

__all__ = ["verdict", "who_lost"]

_SAME = {
    "kind": "same",
    "label": "The best fixed method is the answer",
    "sentence": "That is the same method as the answer, trained with another seed, and the difference is what "
    "a seed alone can do: the search found nothing better for this cohort.",
}
_UNKNOWN = {
    "kind": "unknown",
    "label": "No comparison on test",
    "sentence": "On test the two cannot be compared, because one of the values is not defined.",
}
_LESSON = ", and on these patients the search brought the worst-off subgroup nothing"


def verdict(reading: Reading) -> dict[str, str]:
    """Returns whether the final model is better, equal or worse on test than the best fixed method.

    Returns:
        ``kind`` (better, equal, worse, unclear, same or unknown), a short ``label`` and a full ``sentence``. Where a
        paired comparison is stored, better and worse are said only if its interval shows it. Values that agree to
        three decimals are equal: nothing finer is shown anywhere.
    """
    best = reading.best_fixed
    if best and best.name == reading.raw["method"]:
        return _SAME
    ours, attribute = worst_group(reading.final.reports.get("test") or {}, reading.attributes)
    theirs = worst_group(best.reports.get("test") or {}, reading.attributes)[0].value if best else None
    if ours.value is None or theirs is None:
        return _UNKNOWN
    subject = "The found mask" if reading.raw["method"] == "found mask" else "The chosen method"
    comparison = against_best_fixed(reading)
    if comparison and comparison.measure(attribute, "worst_group_auroc").change.has_interval:
        by = f" by {attribute_words(attribute)}" if len(reading.attributes) > 1 else ""
        return _tested(subject, comparison, attribute, by)
    return _untested(subject, round(ours.value, 3) - round(theirs, 3))


def _tested(subject: str, comparison: Comparison, attribute: str, by: str) -> dict[str, str]:
    found = comparison.measure(attribute, "worst_group_auroc")
    told = f"{signed(found.change.value)} (95 % interval {number(found.change.low)} to {number(found.change.high)}"
    told += f", {probability(found.p)})" if found.p is not None else ")"
    if found.shown == 0:
        return {
            "kind": "unclear",
            "label": f"Not distinguishable from the best fixed method on test ({signed(found.change.value)})",
            "sentence": f"{subject} is not distinguishable from it on test: the difference in worst-group AUROC{by} is "
            f"{told}, on the same patients.",
        }
    kind = "better" if found.shown > 0 else "worse"
    return {
        "kind": kind,
        "label": f"{kind.capitalize()} than the best fixed method on test ({signed(found.change.value)})",
        "sentence": f"{subject} is {kind} than it on test: the difference in worst-group AUROC{by} is {told}, on the "
        f"same patients{_LESSON if kind == 'worse' else ''}.",
    }


def _untested(subject: str, difference: float) -> dict[str, str]:
    if abs(difference) < 5e-4:
        sentence = f"{subject} is equal to it on test, to three decimals."
        return {"kind": "equal", "label": "Equal to the best fixed method on test", "sentence": sentence}
    kind = "better" if difference > 0 else "worse"
    return {
        "kind": kind,
        "label": f"{kind.capitalize()} than the best fixed method on test ({signed(difference)}), not tested",
        "sentence": f"{subject} is {kind} than it on test, by {number(abs(difference))}"
        f"{_LESSON if kind == 'worse' else ''}; whether that is more than chance was not tested.",
    }


def who_lost(reading: Reading) -> list[str]:
    """Names the subgroups that the final model serves less well than the best fixed method (levelling down)."""
    best, comparison = reading.best_fixed, against_best_fixed(reading)
    if best is None or best.name == reading.raw["method"]:
        return []
    if comparison:
        return _tested_losses(reading, comparison)
    lost = []
    for attribute in reading.attributes:
        for subgroup in reading.subgroups(attribute):
            ours = reading.final.subgroup("test", attribute, subgroup, "auroc").value
            theirs = best.subgroup("test", attribute, subgroup, "auroc").value
            if ours is not None and theirs is not None and round(ours, 3) < round(theirs, 3):
                lost.append(f"{subgroup_words(attribute, subgroup)} ({number(theirs)} to {number(ours)})")
    if not lost:
        return ["No subgroup's AUROC is lower than with that fixed method."]
    return [f"Lower than with that fixed method is the AUROC of {_named(lost)}."]


def _named(items: list[str]) -> str:
    return enumerate_words(items[:4]) + (f", and {len(items) - 4} more" if len(items) > 4 else "")


def _tested_losses(reading: Reading, comparison: Comparison) -> list[str]:
    lower: list[str] = []
    unclear: list[str] = []
    for attribute in reading.attributes:
        for entry in comparison.levelled_down(attribute):
            change = stated(entry.get("difference"))
            shown = entry.get("conclusion") == "lower" and change.high is not None and change.high < 0
            (lower if shown else unclear).append(_loss(attribute, str(entry.get("subgroup")), entry, change))
    if not lower and not unclear:
        return ["No subgroup's AUROC or TPR is lower than with that fixed method."]
    told = [f"Levelling down: lower than with that fixed method is {_named(lower)}."] if lower else []
    if len(unclear) > 2:
        told.append(
            f"Lower in this sample, yet not distinguishable, are {len(unclear)} values, which are listed below."
        )
    elif unclear:
        told.append(f"Lower in this sample, yet not distinguishable, is {_named(unclear)}.")
    return told


def _loss(attribute: str, subgroup: str, entry: object, change: Stated) -> str:
    measure = str(entry.get("measure")).upper() if isinstance(entry, dict) else "value"
    ends = f", {number(change.low)} to {number(change.high)}" if change.has_interval else ""
    return f"the {measure} of {subgroup_words(attribute, subgroup)} ({signed(change.value)}{ends})"
