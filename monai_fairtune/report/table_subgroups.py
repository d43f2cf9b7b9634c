"""The table of one attribute's subgroups on the test split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.assessed import Assessed
from monai_fairtune.report.cautions import has_intervals
from monai_fairtune.report.measures import MEASURES
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import Stated, stated
from monai_fairtune.report.table_assessment import add_subgroup_rows, count_cells
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import signed

__all__ = ["subgroups_table"]

_RATES = ("tpr", "fpr", "accuracy")
_PROBABILITIES = ("brier", "ece", "log_loss")


def subgroups_table(reading: Reading, attribute: str, position: int) -> Table:
    """Returns counts, discrimination, errors at the threshold and calibration, a row a subgroup.

    The last rows hold the images whose attribute is missing, and all images. Where there are intervals, what is about
    probabilities is left to a table of its own, so that this one fits a page.
    """
    best = reading.best_fixed
    assessed = Assessed(reading.final.reports.get("test") or {})
    measures = () if has_intervals(assessed.raw) else _PROBABILITIES
    table = Table(
        f"subgroups-{position}",
        f"Final model on test by subgroup of {attribute[:80]}",
        [
            "subgroup",
            *("images", "patients", "class 1"),
            *("AUROC", "best fixed method", "difference"),
            *("TPR", "FPR", "accuracy", "missed per 1000", "false alarms per 1000"),
            *(MEASURES[measure] for measure in measures),
        ],
        [("", 1), ("counts", 3), ("AUROC", 3), ("at the threshold", 5), *[("probabilities", 3)] * bool(measures)],
    )

    def cells(counts: Mapping[str, Any], values: Mapping[str, Any], name: str | None) -> list[Cell]:
        theirs = best.subgroup("test", attribute, name, "auroc") if best and name is not None else None
        if best and values is assessed.raw.get("overall"):
            theirs = best.overall("test", "auroc")
        found = _cells(table, counts, values, theirs)
        return [*found, *(table.value(stated(values.get(measure))) for measure in measures)]

    add_subgroup_rows(table, assessed, attribute, cells)
    return table


def _cells(table: Table, counts: Mapping[str, Any], values: Mapping[str, Any], theirs: Stated | None) -> list[Cell]:
    auroc, harm = stated(values.get("auroc")), _per_thousand(counts, values)
    return [
        *count_cells(counts),
        table.value(auroc),
        table.value(theirs) if theirs else Cell(""),
        _change(auroc, theirs),
        *(table.value(stated(values.get(measure))) for measure in _RATES),
        *(table.value(value, 0) for value in harm),
    ]


def _change(ours: Stated, theirs: Stated | None) -> Cell:
    if theirs is None or ours.value is None or theirs.value is None:
        return Cell("")
    return Cell(signed(round(ours.value, 3) - round(theirs.value, 3)))


def _per_thousand(counts: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Stated, Stated]:
    """Returns false negatives and false positives per 1000 images: as stored, or from the rates and the counts."""
    if "fn_per_1000" in values and "fp_per_1000" in values:
        return stated(values["fn_per_1000"]), stated(values["fp_per_1000"])
    n, positives = counts.get("n"), counts.get("n_positive")
    tpr, fpr = stated(values.get("tpr")), stated(values.get("fpr"))
    if not n or not isinstance(positives, int):
        none = Stated(None, "no images")
        return none, none
    share = positives / n
    missed = Stated(0.0) if positives == 0 else _scaled(tpr, lambda rate: 1000 * share * (1 - rate))
    alarms = Stated(0.0) if positives == n else _scaled(fpr, lambda rate: 1000 * (1 - share) * rate)
    return missed, alarms


def _scaled(rate: Stated, scale: Any) -> Stated:
    return rate if rate.value is None else Stated(scale(rate.value))
