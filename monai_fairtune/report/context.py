"""Everything that the page shows, as data for the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.answer import answer, key_figures, verdict
from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.cautions import cautions, has_intervals, has_small_counts
from monai_fairtune.report.comparison import against_best_fixed
from monai_fairtune.report.drawn import DrawnPlot
from monai_fairtune.report.limits import limits, method_sentences, words
from monai_fairtune.report.luck import faults_sentence, luck_sentences, optimism_table
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.operating_point import operating_point
from monai_fairtune.report.parts import attribute_parts
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.table_assessment import gaps_table
from monai_fairtune.report.table_cohort import cohort_table, eligibility_table
from monai_fairtune.report.table_comparison import comparison_table, levelling_table, overall_told
from monai_fairtune.report.table_effects import effects_table
from monai_fairtune.report.table_methods import finalists_table, generalization_table, methods_table
from monai_fairtune.report.table_setup import mask_rows, setup_rows, trials_table
from monai_fairtune.report.table_subgroups import subgroups_table
from monai_fairtune.report.wording import enumerate_words, objective_words, shorten

__all__ = ["page_context"]


def page_context(reading: Reading, plots: Mapping[str, DrawnPlot]) -> dict[str, Any]:
    """Returns the variables of ``report.html``.

    Args:
        reading: the result.
        plots: drawn, by key; the template leaves out those that are absent.
    """
    raw, best = reading.raw, reading.best_fixed
    test, comparison = Assessed(reading.final.reports.get("test") or {}), against_best_fixed(reading)
    tuned, frozen, always = mask_rows(reading)
    return {
        "title": _title(reading),
        "fixed": "" if raw["method"] == "found mask" else shorten(str(raw["method"]), 60),
        "created": str(raw.get("created") or "").replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC"),
        "version": str((raw.get("versions") or {}).get("monai_fairtune", "")),
        "answer": answer(reading),
        "verdict": verdict(reading),
        "cautions": cautions(reading),
        "key_figures": key_figures(reading),
        "objective": objective_words(reading.objective),
        "gaps": gaps_table(test, "gaps") if has_intervals(test.raw) else None,
        "comparison_told": overall_told(comparison, best.name) if comparison and best else "",
        "attributes": [_attribute(reading, name, k, plots) for k, name in enumerate(reading.attributes)],
        "finalists": finalists_table(reading),
        "optimism": optimism_table(reading),
        "luck": luck_sentences(reading),
        "effects": effects_table(reading),
        "faults": faults_sentence(reading),
        "plots": plots,
        "tuned": tuned,
        "frozen": frozen,
        "always_tuned": always,
        "trials": trials_table(reading),
        "threshold": operating_point(reading),
        "cohort": cohort_table(reading),
        "split_rule": str((raw.get("cohort") or {}).get("split_rule") or "").rstrip("."),
        "where": str((raw.get("cohort") or {}).get("where") or ""),
        "eligibility": eligibility_table(reading),
        "eligibility_rule": _eligibility_rule(reading),
        "small_counts": has_small_counts(reading),
        "method_sentences": method_sentences(reading),
        "limits": limits(reading),
        "setup": setup_rows(reading),
        "words": words(),
    }


def _title(reading: Reading) -> str:
    name = (reading.raw.get("study") or {}).get("name")
    about = enumerate_words([attribute_words(attribute) for attribute in reading.attributes])
    subject = f"Fine-tuning for the worst-off subgroup of {about}"
    return f"{shorten(str(name), 80)}: {subject[0].lower()}{subject[1:]}" if name else subject


def _attribute(reading: Reading, name: str, position: int, plots: Mapping[str, DrawnPlot]) -> dict[str, Any]:
    suffix = f"_{position + 1}" if position else ""
    test = Assessed(reading.final.reports.get("test") or {})
    return {
        "name": name,
        "words": attribute_words(name),
        "methods": methods_table(reading, name, position + 1),
        "subgroups": subgroups_table(reading, name, position + 1),
        "generalization": generalization_table(reading, name, position + 1),
        "auroc_plot": plots.get(f"subgroup_auroc{suffix}"),
        "curves_plot": plots.get(f"curves{suffix}"),
        "assessed": attribute_parts(test, name, "", suffix, plots) if has_intervals(test.raw) else None,
        **_compared(reading, name, position, plots.get(f"comparison{suffix}")),
    }


def _compared(reading: Reading, name: str, position: int, plot: DrawnPlot | None) -> dict[str, Any]:
    comparison, best = against_best_fixed(reading), reading.best_fixed
    if comparison is None or best is None:
        return {"comparison": None, "levelling": None, "comparison_plot": None}
    return {
        "comparison": comparison_table(comparison, name, f"comparison-{position + 1}", best.name),
        "levelling": levelling_table(comparison, name, f"levelling-{position + 1}"),
        "comparison_plot": plot,
    }


def _eligibility_rule(reading: Reading) -> str:
    eligibility = reading.raw.get("eligibility") or {}
    if not eligibility:
        return ""
    least, default = eligibility.get("min_per_class"), eligibility.get("default")
    lowered = f", lowered from the default of {default}" if eligibility.get("lowered") else ""
    return (
        f"A subgroup enters the objective with at least {least} images of each class on validation and on "
        f"selection{lowered}. Images whose attribute is not recorded stay outside the objective."
    )
