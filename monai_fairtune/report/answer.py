"""The answer in plain words, and what to be careful about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.luck import alike_sentence
from monai_fairtune.report.names import attribute_words, subgroup_words
from monai_fairtune.report.reading import Method, Reading
from monai_fairtune.report.stored import Stated, finite, worst_group
from monai_fairtune.report.verdict import verdict, who_lost
from monai_fairtune.report.wording import enumerate_words, isolate, number, percent, probability, shorten

__all__ = ["answer", "key_figures", "verdict"]


def answer(reading: Reading) -> str:
    """Returns one paragraph that a clinician can read: what was found, what it reaches, against what."""
    return " ".join(
        [_what_was_found(reading), *_what_it_reaches(reading), *_against_fixed_methods(reading), *who_lost(reading)]
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
        f"On the test split its worst-group AUROC is {number(worst.value)}{_ends(worst)}, for the subgroup {whom}, and "
        f"its overall AUROC is {number(overall)}. In plain words: of two images of that subgroup, one of "
        f"{reading.class_words(1)} and one of {reading.class_words(0)}, the model gives the higher score to the first "
        f"in about {round(100 * worst.value)} of 100 such pairs; guessing gives 50."
    ]


def _ends(value: Stated) -> str:
    return f" (95 % interval {number(value.low)} to {number(value.high)})" if value.has_interval else ""


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
        *filter(None, [alike_sentence(reading)]),
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


def key_figures(reading: Reading) -> list[dict[str, str]]:
    """Returns the four figures shown large: label, value, and what they are compared with."""
    final, best = reading.final, reading.best_fixed
    worst, attribute = worst_group(final.reports.get("test") or {}, reading.attributes)
    main = attribute if worst.value is not None else reading.attributes[0]
    fixed_worst = worst_group(best.reports.get("test") or {}, reading.attributes)[0] if best else None
    gap = final.measure("test", main, "auroc_gap")
    return [
        _figure(
            "Worst-group AUROC",
            worst,
            subgroup_words(attribute, worst.subgroup) if worst.subgroup else "not defined",
            fixed_worst,
        ),
        _figure(
            "AUROC gap",
            gap,
            f"highest minus lowest subgroup of {attribute_words(main)}{_against_chance(final.attribute('test', main))}",
            best.measure("test", main, "auroc_gap") if best else None,
        ),
        _figure(
            "Overall AUROC",
            final.overall("test", "auroc"),
            "all images of the test split",
            best.overall("test", "auroc") if best else None,
        ),
        {
            "label": "Trained share",
            "value": percent(final.trained_share),
            "interval": "",
            "detail": "of the network's parameters",
            "against": f"best fixed method: {percent(best.trained_share)}" if best else "",
        },
    ]


def _figure(label: str, value: Stated, detail: str, fixed: Stated | None) -> dict[str, str]:
    return {
        "label": label,
        "value": number(value.value),
        "interval": f"{number(value.low)} to {number(value.high)}" if value.has_interval else "",
        "detail": detail,
        "against": f"best fixed method: {number(fixed.value)}" if fixed else "",
    }


def _against_chance(assessed: Mapping[str, Any]) -> str:
    gap = assessed.get("auroc_gap")
    mean, p = (finite(gap.get(key)) if isinstance(gap, Mapping) else None for key in ("null_mean", "p_value"))
    return "" if mean is None or p is None else f"; chance alone gives {number(mean)} on average ({probability(p)})"
