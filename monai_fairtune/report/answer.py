"""The answer in plain words, and what to be careful about."""

from __future__ import annotations

from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.reading import Method, Reading
from monai_fairtune.report.stored import Stated, worst_group
from monai_fairtune.report.wording import enumerate_words, isolate, number, percent, shorten, signed

__all__ = ["answer", "key_figures", "verdict"]


def answer(reading: Reading) -> str:
    """Returns one paragraph that a clinician can read: what was found, what it reaches, against what."""
    return " ".join(
        [_what_was_found(reading), *_what_it_reaches(reading), *_against_fixed_methods(reading), *_who_lost(reading)]
    )


def _what_was_found(reading: Reading) -> str:
    raw, final = reading.raw, reading.final
    network = isolate(shorten(str(raw["network"].get("backbone", "the network")), 60))
    share = f"it tunes {percent(final.trained_share)} of the parameters of {network}"
    n_trials = len(reading.raw.get("trials") or [])
    tried = f"The search tried {n_trials} masks and learning rates" if n_trials else "The search ended"
    if raw["method"] != "found mask":
        name = isolate(shorten(str(raw["method"]), 60))
        return f"{tried}, and none was preferred to a fixed method: the answer is “{name}”; {share}."
    components = raw["mask"]["components"]
    return (
        f"{tried} and settled on a mask that tunes {sum(components.values())} of {len(components)} components besides "
        f"the head; {share}."
    )


def _what_it_reaches(reading: Reading) -> list[str]:
    worst, attribute = worst_group(reading.final.reports.get("test") or {}, reading.attributes)
    overall = reading.final.overall("test", "auroc").value
    if worst.value is None:
        return [f"Its worst-group AUROC on the test split is not defined: {shorten(worst.reason, 240).rstrip('.')}."]
    whom = subgroup_words(attribute, worst.subgroup or "unnamed")
    return [
        f"On the test split its worst-group AUROC is {number(worst.value)}, for the subgroup {whom}, and its overall "
        f"AUROC is {number(overall)}. In plain words: of two images of that subgroup, one of {reading.class_words(1)} "
        f"and one of {reading.class_words(0)}, the model gives the higher score to the first in about "
        f"{round(100 * worst.value)} of 100 such pairs; guessing gives 50."
    ]


def _against_fixed_methods(reading: Reading) -> list[str]:
    best = reading.best_fixed
    if best is None and reading.anchors:
        return ["No fixed method has a defined objective on validation, so none serves as the comparison."]
    if best is None:
        return ["No fixed method was trained for comparison."]
    sentences = [
        f"The best fixed method on validation was “{_name(best)}”, with a worst-group AUROC of {_reach(reading, best)} "
        "on test.",
        verdict(reading)["sentence"],
    ]
    others = [reading.anchor(name) for name in ("head only", "full")]
    told = [
        f"{_METHOD_WORDS[method.name]} reaches {_reach(reading, method)}"
        for method in others
        if method is not None and method.name != best.name
    ]
    if told:
        text = enumerate_words(told)
        sentences.append(text[0].upper() + text[1:] + ".")
    return sentences


_METHOD_WORDS = {"head only": "tuning the head only", "full": "full fine-tuning"}


def _name(method: Method) -> str:
    return isolate(shorten(method.name, 60))


def _reach(reading: Reading, method: Method) -> str:
    worst, attribute = worst_group(method.reports.get("test") or {}, reading.attributes)
    if worst.value is None:
        return "no defined worst-group AUROC"
    ours, main = worst_group(reading.final.reports.get("test") or {}, reading.attributes)
    if (worst.subgroup, attribute) == (ours.subgroup, main):
        return number(worst.value)
    return f"{number(worst.value)} (for {subgroup_words(attribute, worst.subgroup or 'unnamed')})"


def verdict(reading: Reading) -> dict[str, str]:
    """Returns whether the final model is better, equal or worse on test than the best fixed method.

    Returns:
        ``kind`` (better, equal, worse, same or unknown), a short ``label`` and a full ``sentence``. Values that agree
        to three decimals are equal: nothing finer is shown anywhere.
    """
    best = reading.best_fixed
    ours = worst_group(reading.final.reports.get("test") or {}, reading.attributes)[0].value
    theirs = worst_group(best.reports.get("test") or {}, reading.attributes)[0].value if best else None
    subject = "The found mask" if reading.raw["method"] == "found mask" else "The chosen method"
    if best and best.name == reading.raw["method"]:
        return {
            "kind": "same",
            "label": "The best fixed method is the answer",
            "sentence": "That is the same method as the answer, trained with another seed, and the difference is what "
            "a seed alone can do: the search found nothing better for this cohort.",
        }
    if ours is None or theirs is None:
        return {
            "kind": "unknown",
            "label": "No comparison on test",
            "sentence": "On test the two cannot be compared, because one of the values is not defined.",
        }
    difference = round(ours, 3) - round(theirs, 3)
    if abs(difference) < 5e-4:
        sentence = f"{subject} is equal to it on test, to three decimals."
        return {"kind": "equal", "label": "Equal to the best fixed method on test", "sentence": sentence}
    kind = "better" if difference > 0 else "worse"
    lesson = "" if kind == "better" else ", and on these patients the search brought the worst-off subgroup nothing"
    return {
        "kind": kind,
        "label": f"{kind.capitalize()} than the best fixed method on test ({signed(difference)})",
        "sentence": f"{subject} is {kind} than it on test, by {number(abs(difference))}{lesson}; whether that is more "
        "than chance is not tested in this version.",
    }


def _who_lost(reading: Reading) -> list[str]:
    """Names the subgroups that the final model serves less well than the best fixed method (levelling down)."""
    best = reading.best_fixed
    if best is None or best.name == reading.raw["method"]:
        return []
    lost = []
    for attribute in reading.attributes:
        for subgroup in reading.subgroups(attribute):
            ours = reading.final.subgroup("test", attribute, subgroup, "auroc").value
            theirs = best.subgroup("test", attribute, subgroup, "auroc").value
            if ours is not None and theirs is not None and round(ours, 3) < round(theirs, 3):
                lost.append(f"{subgroup_words(attribute, subgroup)} ({number(theirs)} to {number(ours)})")
    if not lost:
        return ["No subgroup's AUROC is lower than with that fixed method."]
    named = enumerate_words(lost[:4]) + (f", and {len(lost) - 4} more" if len(lost) > 4 else "")
    return [f"Lower than with that fixed method is the AUROC of {named}."]


def key_figures(reading: Reading) -> list[dict[str, str]]:
    """Returns the four figures shown large: label, value, and what they are compared with."""
    final, best = reading.final, reading.best_fixed
    worst, attribute = worst_group(final.reports.get("test") or {}, reading.attributes)
    main = attribute if worst.value is not None else reading.attributes[0]

    def against(value: Stated | None) -> str:
        return f"best fixed method: {number(value.value)}" if value else ""

    fixed_worst = worst_group(best.reports.get("test") or {}, reading.attributes)[0] if best else None
    return [
        {
            "label": "Worst-group AUROC",
            "value": number(worst.value),
            "detail": subgroup_words(attribute, worst.subgroup) if worst.subgroup else "not defined",
            "against": against(fixed_worst),
        },
        {
            "label": "AUROC gap",
            "value": number(final.measure("test", main, "auroc_gap").value),
            "detail": f"highest minus lowest subgroup of {attribute_words(main)}",
            "against": against(best.measure("test", main, "auroc_gap") if best else None),
        },
        {
            "label": "Overall AUROC",
            "value": number(final.overall("test", "auroc").value),
            "detail": "all images of the test split",
            "against": against(best.overall("test", "auroc") if best else None),
        },
        {
            "label": "Trained share",
            "value": percent(final.trained_share),
            "detail": "of the network's parameters",
            "against": f"best fixed method: {percent(best.trained_share)}" if best else "",
        },
    ]
