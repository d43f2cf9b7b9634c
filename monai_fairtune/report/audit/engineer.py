"""All numbers: tables and plots of every attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.audit.over_time import window_plots
from monai_fairtune.report.audit.reading import Audit, Part
from monai_fairtune.report.drawn import DrawnPlot
from monai_fairtune.report.names import attribute_words
from monai_fairtune.report.parts import attribute_parts, attribute_plots
from monai_fairtune.report.plots_forest import harm_plot, macro_plot
from monai_fairtune.report.plots_gaps import gaps_plot
from monai_fairtune.report.plots_shapes import ShapePlot
from monai_fairtune.report.stored import stated
from monai_fairtune.report.table_assessment import gaps_table
from monai_fairtune.report.tables import Table
from monai_fairtune.report.wording import number, shorten

__all__ = ["audit_plots", "engineer", "macro_tables"]


def audit_plots(audit: Audit) -> Iterator[ShapePlot]:
    """Yields every plot that the audit has data for."""
    found: list[ShapePlot | None] = []
    if audit.macro:
        found += [macro_plot(audit.macro, name, f"macro{_suffix(k)}") for k, name in enumerate(audit.macro.attributes)]
    for part in audit.parts:
        found += [
            harm_plot(part.assessed, part.assessed.attributes, part.keyed("harm")),
            gaps_plot(part.assessed, part.keyed("gaps")),
        ]
        for k, name in enumerate(part.assessed.attributes):
            found += attribute_plots(part.assessed, name, part.prefix, _suffix(k))
    yield from (plot for plot in found if plot is not None)
    yield from window_plots(audit)


def _suffix(position: int) -> str:
    return f"_{position + 1}" if position else ""


def engineer(part: Part, plots: Mapping[str, DrawnPlot]) -> dict[str, Any]:
    """Returns what the template shows of one part."""
    assessed = part.assessed
    return {
        "name": part.name,
        "key": part.key or "binary",
        "threshold": _threshold(assessed),
        "gaps": gaps_table(assessed, part.keyed("gaps")),
        "gaps_plot": plots.get(part.keyed("gaps")),
        "attributes": [
            attribute_parts(assessed, name, part.prefix, _suffix(k), plots)
            for k, name in enumerate(assessed.attributes)
        ],
    }


_NOT_CHOSEN = {"given": "which was given.", "default": "the default: none was given or chosen."}


def _threshold(assessed: Assessed) -> str:
    threshold = assessed.raw.get("threshold") or {}
    value = stated(threshold.get("value")).value
    if value is None:
        return "No threshold is recorded."
    told = f"One threshold for everybody: called positive from a probability of {number(value, 4)}, "
    chosen_on, rule = str(threshold.get("chosen_on") or "an unrecorded split"), str(threshold.get("rule") or "")
    if rule == "fixed" and chosen_on in _NOT_CHOSEN:
        return told + _NOT_CHOSEN[chosen_on]
    words = "by Youden's index (largest TPR − FPR)" if rule == "youden" else rule
    return f"{told}chosen on {chosen_on} {words}".rstrip() + "."


def macro_tables(audit: Audit) -> list[tuple[str, Table]]:
    """Returns, for each attribute, the AUROC of every class and their mean by subgroup."""
    macro = audit.macro
    if macro is None:
        return []
    each_words = "each finding" if audit.kind == "multilabel" else "each class against the others"
    found = []
    for k, attribute in enumerate(macro.attributes):
        names = [shorten(part.name, 40) for part in audit.parts]
        table = Table(
            f"macro-{k + 1}",
            f"AUROC by class and subgroup of {attribute_words(attribute)}",
            ["subgroup", "mean over classes", *names],
            [("", 1), ("macro", 1), (each_words, len(names))],
        )
        for group in macro.subgroups(attribute):
            each = [part.assessed.subgroup(attribute, group, "auroc") for part in audit.parts]
            table.add(group, [table.value(v) for v in (macro.subgroup(attribute, group, "auroc"), *each)])
        overall = [part.assessed.overall("auroc") for part in audit.parts]
        table.add("all", [table.value(v) for v in (macro.overall("auroc"), *overall)], strong=True, last=True)
        for key, words in (("worst_group_auroc", "worst group"), ("auroc_gap", "gap")):
            values = [assessed.measure(attribute, key) for assessed in (macro, *(p.assessed for p in audit.parts))]
            table.add(words, [table.value(v, detail=shorten(v.subgroup or "", 40)) for v in values], last=True)
        found.append((attribute_words(attribute), table))
    return found
