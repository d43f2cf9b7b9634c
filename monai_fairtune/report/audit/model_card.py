"""The model card's text: what may be said about a model after an audit, and no more."""

from __future__ import annotations

from monai_fairtune.report.audit.noted import small_numbers
from monai_fairtune.report.audit.reading import Audit, Part
from monai_fairtune.report.audit.regulator import formal_limits, origin, told_tests
from monai_fairtune.report.markdown import plain
from monai_fairtune.report.measures import digits_of
from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.stored import SUPPRESSED, Stated
from monai_fairtune.report.wording import number, probability

__all__ = ["card_sentences", "model_card"]

_SHOWN = ("auroc", "tpr", "fpr", "fn_per_1000", "fp_per_1000", "calibration_slope")
_HEADS = ("AUROC", "TPR", "FPR", "missed per 1000", "false alarms per 1000", "calibration slope")


def card_sentences(part: Part) -> list[str]:
    """Returns wording for a model card: one sentence on all images and one an attribute."""
    assessed = part.assessed
    raw, auroc = assessed.raw, assessed.overall("auroc")
    about = f" for {part.finding}" if part.name else ""
    found = [
        f"On {raw.get('n')} images of {raw.get('n_patients')} patients the AUROC{about} is {_told(auroc)}."
        if auroc.value is not None
        else f"The overall AUROC{about} is not defined: {auroc.reason}"
    ]
    return found + [_attribute(part, name) for name in assessed.attributes]


def _attribute(part: Part, attribute: str) -> str:
    assessed, words = part.assessed, attribute_words(attribute)
    worst, gap = (assessed.measure(attribute, key) for key in ("worst_group_auroc", "auroc_gap"))
    if worst.suppressed or gap.suppressed:
        return f"The subgroups of {words} are not compared here, because small numbers are withheld."
    if worst.value is None or gap.value is None:
        return f"The subgroups of {words} were not compared: {(worst.reason or gap.reason).rstrip('.')}."
    p = assessed.chance(attribute, "p_value")
    against = (
        "it was not tested against chance"
        if p is None
        else f"larger than expected by chance ({probability(p)}, permutation of patients)"
        if p < 0.05
        else f"not distinguishable from chance ({probability(p)}, permutation of patients)"
    )
    return (
        f"Assessed by {words}, the AUROC is lowest for {subgroup_words(attribute, worst.subgroup or 'unnamed')}, with "
        f"{_told(worst)}; the gap between the highest and the lowest subgroup is {_told(gap)}, {against}."
    )


def _told(value: Stated) -> str:
    ends = f" (95 % interval {number(value.low)} to {number(value.high)})" if value.has_interval else ""
    return number(value.value) + ends


def model_card(audit: Audit) -> str:
    """Returns the content of ``model_card.md``; names that come from tables cannot become markup."""
    lines = ["# Model card: performance by subgroup", ""]
    for part in audit.parts:
        lines += [f"## {plain(part.name)}", ""] if part.name else []
        lines += [*(f"{plain(sentence)}\n" for sentence in card_sentences(part)), *_table(part), ""]
    for title, items in (
        ("Data", [f"{name}: {value}" for name, value in origin(audit)]),
        ("Tests", told_tests(audit)),
        ("Small numbers", small_numbers(audit)),
        ("What cannot be concluded", formal_limits(audit)),
    ):
        lines += [f"## {title}", "", *(f"* {plain(item)}" for item in items), ""]
    lines.append("The assessment covers recorded attributes of one set of images. It does not certify the model.")
    return "\n".join(lines) + "\n"


def _table(part: Part) -> list[str]:
    heads = ["subgroup", "images", *_HEADS]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for attribute in part.assessed.attributes:
        for name in part.assessed.subgroups(attribute):
            values = [_cell(part.assessed.subgroup(attribute, name, m), digits_of(m)) for m in _SHOWN]
            n = str(part.assessed.entry(attribute, name).get("n", ""))
            rows.append([plain(cell) for cell in (subgroup_words(attribute, name), n, *values)])
    return [f"| {' | '.join(row)} |" for row in rows]


def _cell(value: Stated, digits: int) -> str:
    if value.value is None:
        return SUPPRESSED if value.suppressed else "not defined"
    ends = f" ({number(value.low, digits)} to {number(value.high, digits)})" if value.has_interval else ""
    return number(value.value, digits) + ends
