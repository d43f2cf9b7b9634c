"""Alarms of an audit over time, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.stored import stated
from monai_fairtune.report.wording import number, percent, shorten

__all__ = ["alarm_words", "rule_words"]

_KINDS = {"sudden": "this window by itself", "lasting": "the windows so far together"}


def alarm_words(alarm: Mapping[str, Any]) -> str:
    """Returns what an alarm says, in one sentence.

    Args:
        alarm: of ``report.json``.

    Example:
        >>> alarm_words({"window": "2026-05", "measure": "auroc", "attribute": "sex", "subgroup": "male", "value": 0.71,
        ...              "reference": 0.86, "alarm": "sudden"})
        '2026-05: the AUROC of male (sex) is 0.710 and was 0.860 in the reference (this window by itself).'
    """
    now, before = stated(alarm), stated(alarm.get("reference")).value
    head = f"{shorten(str(alarm['window']), 20)}: {_what(alarm)}"
    if now.value is None or before is None:
        return f"{head} has changed; the numbers are withheld."
    return f"{head} {_moved(str(alarm['measure']), now.value, before)} ({_KINDS.get(str(alarm['alarm']), 'an alarm')})."


def _what(alarm: Mapping[str, Any]) -> str:
    who = _who(alarm)
    return {
        "auroc": f"the AUROC of {who}",
        "share": f"the share of images that are of {who}",
        "prevalence": f"the share with the finding among {who}",
        "score": f"the scores of {who}",
    }.get(str(alarm["measure"]), f"{shorten(str(alarm['measure']), 40)} of {who}")


def _who(alarm: Mapping[str, Any]) -> str:
    attribute, subgroup = alarm.get("attribute"), alarm.get("subgroup")
    if attribute is None:
        return "all images"
    if subgroup is None:
        return f"patients without a recorded {attribute_words(str(attribute))}"
    return subgroup_words(str(attribute), str(subgroup))


def _moved(measure: str, now: float, before: float) -> str:
    if measure == "score":
        direction = "higher" if now > before else "lower"
        return (
            f"have become {direction}: an image of this window scores above one of the reference with probability "
            f"{number(now, 2)}"
        )
    if measure == "auroc":
        return f"is {number(now)} and was {number(before)} in the reference"
    return f"is {percent(now)} and was {percent(before)} in the reference"


def rule_words(windows: Mapping[str, Any]) -> str:
    """Returns when a change is an alarm, in words.

    Args:
        windows: of ``report.json``.
    """
    rule = windows.get("rule") or {}
    return (
        "Each window is compared with the reference: one family of tests asks whether an AUROC has fallen, one whether "
        "the case mix has moved (shares of subgroups, how many have the finding, scores). Each quantity is looked at "
        "in the window by itself, and in a cumulative sum over the windows so far (Page's, allowance "
        f"{number(stated(rule.get('allowance')).value, 1)}). The limits of all quantities share the chance of a false "
        "alarm: if nothing changes, that of any alarm of a family is at most "
        f"{percent(stated(rule.get('alpha')).value)} in {rule.get('horizon')} windows in a row."
    )
