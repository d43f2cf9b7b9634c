"""Tables and the plot of the final model against the best fixed method, on the same patients."""

from __future__ import annotations

from monai_fairtune.report.comparison import Comparison, Difference
from monai_fairtune.report.measures import COMPARISONS, MEASURES
from monai_fairtune.report.names import attribute_words, subgroup_detail
from monai_fairtune.report.plots_intervals import IntervalPanel, IntervalRow, interval_drawing, told_rows
from monai_fairtune.report.plots_labels import explained, looks
from monai_fairtune.report.plots_shapes import ShapePlot
from monai_fairtune.report.stored import stated
from monai_fairtune.report.table_assessment import p_cell
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import number, shorten, signed

__all__ = ["comparison_plot", "comparison_table", "levelling_table", "overall_told"]

_OVERALL = ("auroc", "brier")
_ATTRIBUTE = ("worst_group_auroc", "auroc_gap", "equalized_odds_difference")
_SUBGROUP = ("auroc", "tpr", "fpr", "brier")


def overall_told(comparison: Comparison, name: str) -> str:
    """Returns whether overall AUROC was kept, in a sentence."""
    margin, found = number(comparison.margin, 2), comparison.overall("auroc").change
    if found.value is None:
        return f"The overall AUROC is not compared: {found.reason.rstrip('.')}."
    change = f"overall AUROC changes by {signed(found.value)}"
    change += f" (95 % interval {number(found.low)} to {number(found.high)})" if found.has_interval else ""
    concluded = {
        True: f"a loss of more than {margin} can be ruled out",
        False: f"a loss of more than {margin} cannot be ruled out",
        None: "whether it was kept was not tested",
    }[comparison.non_inferior]
    return f"Against “{shorten(name, 60)}”, {change}: {concluded}."


def comparison_table(comparison: Comparison, attribute: str, key: str, name: str) -> Table:
    """Returns every stored measure under both models, the difference, and what it shows."""
    table = Table(
        key,
        f"Final model against “{shorten(name, 60)}” on the same patients, by {attribute_words(attribute)}",
        ["", "measure", "final model", "fixed method", "difference", "p", "p (Holm)", "conclusion"],
    )
    for subgroup in comparison.subgroups(attribute):
        for measure in _SUBGROUP:
            if measure in comparison.entry(attribute, subgroup):
                found = comparison.subgroup(attribute, subgroup, measure)
                _add(table, subgroup, MEASURES[measure], found, subgroup_detail(attribute, subgroup))
    for measure in _ATTRIBUTE:
        _add(table, "subgroups compared", COMPARISONS[measure], comparison.measure(attribute, measure), last=True)
    for measure in _OVERALL:
        _add(table, "all", MEASURES[measure], comparison.overall(measure), last=True)
    return table


def _add(table: Table, head: str, measure: str, found: Difference, detail: str = "", *, last: bool = False) -> None:
    change = found.change
    shown = table.value(change)
    if change.value is not None:
        shown = Cell(signed(change.value), shown.note, shown.detail)
    concluded = "" if not change.has_interval else ("lower", "not distinguishable", "higher")[found.shown + 1]
    cells = [Cell(measure, numeric=False), *(Cell(number(value)) for value in (found.ours, found.theirs)), shown]
    cells += [p_cell(found.p), p_cell(found.p_holm), Cell(concluded, numeric=False)]
    table.add(head, cells, detail=detail, last=last)


def levelling_table(comparison: Comparison, attribute: str, key: str) -> Table | None:
    """Returns the subgroups that lost against the fixed method; None where none did."""
    entries = comparison.levelled_down(attribute)
    if not entries:
        return None
    table = Table(
        key,
        f"Levelling down: what is lower under the final model, by {attribute_words(attribute)}",
        ["subgroup", "measure", "difference", "conclusion"],
    )
    for entry in entries:
        change = stated(entry.get("difference"))
        shown = Cell(signed(change.value), detail=table.value(change).detail)
        lower = entry.get("conclusion") == "lower" and change.high is not None and change.high < 0
        name = str(entry.get("subgroup"))
        words = MEASURES.get(str(entry.get("measure")), str(entry.get("measure")))
        conclusion = Cell("lower" if lower else "not distinguishable", numeric=False)
        table.add(
            name, [Cell(words, numeric=False), shown, conclusion], detail=subgroup_detail(attribute, name), strong=lower
        )
    return table


def comparison_plot(comparison: Comparison, attribute: str, key: str) -> ShapePlot | None:
    """Returns the differences of each subgroup with intervals; None where none is defined."""
    measures = ("auroc", "tpr", "fpr")
    rows = [
        IntervalRow(
            look.label, tuple(comparison.subgroup(attribute, look.name, m).change for m in measures), look.marker
        )
        for look in looks(comparison, attribute)
    ]
    if not any(value.value is not None for row in rows for value in row.values):
        return None
    panels = [IntervalPanel(f"{MEASURES[m]} difference", line=0.0, difference=True, least=0.08) for m in measures]
    words = attribute_words(attribute)
    return ShapePlot(
        key,
        f"Final model minus best fixed method, by subgroup of {words}",
        "Right of the dashed line the final model has the higher value. A line that crosses it shows no difference."
        + explained(looks(comparison, attribute)),
        f"Differences by subgroup of {words}. {told_rows(rows, panels)}.",
        lambda width: interval_drawing(rows, panels, width),
    )
