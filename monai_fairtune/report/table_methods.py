"""Tables that compare methods and splits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_fairtune.report.measures import COMPARISONS, digits_of
from monai_fairtune.report.reading import Method, Reading
from monai_fairtune.report.stored import Stated, objective_value, stated
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import number, objective_words, percent, shorten, signed

__all__ = ["finalists_table", "generalization_table", "methods_table"]


def methods_table(reading: Reading, attribute: str, position: int) -> Table:
    """Returns the fixed methods against the final model, for one attribute."""
    objective = objective_words(reading.objective)
    table = Table(
        f"methods-{position}",
        f"Fixed methods against the final model, attribute {shorten(attribute, 80)}",
        [
            "method",
            "trained share",
            f"{objective} (validation)",
            f"{objective} (selection)",
            "overall AUROC",
            "worst-group AUROC",
            "AUROC gap",
            "equalized odds difference",
            "fairness generalization gap (AUROC gap)",
        ],
        [("", 2), ("chosen on", 2), ("test", 4), ("test − train", 1)],
    )
    for method in reading.methods:
        worst = method.measure("test", attribute, "worst_group_auroc")
        table.add(
            shorten(method.name, 80),
            [
                Cell(percent(method.trained_share)),
                table.value(method.validation),
                table.value(method.selection),
                table.value(method.overall("test", "auroc")),
                table.value(worst, detail=shorten(worst.subgroup or "", 60)),
                table.value(method.measure("test", attribute, "auroc_gap")),
                table.value(method.measure("test", attribute, "equalized_odds_difference")),
                _difference(table, stated((method.gaps.get(attribute) or {}).get("auroc_gap"))),
            ],
            strong=method.chosen,
            detail="best fixed method on validation" if method is reading.best_fixed else "",
        )
    return table


def _difference(table: Table, entry: Stated) -> Cell:
    return table.value(entry) if entry.value is None else Cell(signed(entry.value))


def finalists_table(reading: Reading) -> Table:
    """Returns the objective on validation, selection and test side by side: how much choosing flattered it."""
    table = Table(
        "finalists",
        f"Finalists, then fixed methods: {objective_words(reading.objective)} on the three splits",
        [
            "model",
            "trained share",
            "validation (search, one seed)",
            "selection, mean",
            "selection, each seed",
            "test",
            "test minus validation",
        ],
    )
    finalists = reading.raw.get("finalists") or []
    for finalist in finalists:
        _add_finalist(table, reading, finalist)
    shown = {finalist.get("trial") for finalist in finalists}
    for anchor, method in zip(reading.raw.get("anchors") or [], reading.anchors, strict=True):
        if anchor.get("trial") not in shown:
            test = objective_value(method.reports.get("test"), reading.objective, reading.attributes)
            _add(table, method.name, method.trained_share, method.validation, method.selection, [], test, strong=False)
    return table


def _add_finalist(table: Table, reading: Reading, finalist: Mapping[str, Any]) -> None:
    chosen = bool(finalist.get("chosen"))
    model: Method | None = reading.final if chosen else reading.anchor(str(finalist.get("name")))
    test = (
        objective_value(model.reports.get("test"), reading.objective, reading.attributes)
        if model
        else Stated(None, "not chosen: the test split was read for the final model and the fixed methods only")
    )
    _add(
        table,
        str(finalist.get("name") or f"trial {finalist.get('trial')}"),
        stated(finalist.get("trained_share")).value,
        stated(finalist.get("value")),
        stated(finalist.get("selection_value")),
        finalist.get("selection_values") or [],
        test,
        strong=chosen,
        detail="chosen on selection" if chosen else "test: of its first training" if model else "",
    )


def _add(
    table: Table,
    name: str,
    share: float | None,
    validation: Stated,
    selection: Stated,
    seeds: list[float],
    test: Stated,
    *,
    strong: bool,
    detail: str = "",
) -> None:
    change = None if test.value is None or validation.value is None else test.value - validation.value
    table.add(
        shorten(name, 80),
        [
            Cell(percent(share)),
            table.value(validation),
            table.value(selection),
            Cell(", ".join(number(stated(value).value) for value in seeds) or "one seed"),
            table.value(test),
            Cell(signed(change)) if change is not None else table.undefined(test.reason or validation.reason),
        ],
        strong=strong,
        detail=detail,
    )


def generalization_table(reading: Reading, attribute: str, position: int) -> Table:
    """Returns every measure of one attribute that was taken on several splits, and test minus train."""
    table = Table(
        f"measures-{position}",
        f"Final model by split, attribute {shorten(attribute, 80)}",
        ["measure", "train", "validation", "selection", "test", "test minus train"],
    )
    final = reading.final
    gaps = final.gaps.get(attribute) or {}
    least = 2 if len(final.reports) > 1 else 1
    for key, words in COMPARISONS.items():
        values = [final.measure(split, attribute, key) for split in ("train", "validation", "selection", "test")]
        if sum("not recorded" not in value.reason for value in values) < least:
            continue
        cells = [table.value(value, digits_of(key), detail=shorten(value.subgroup or "", 40)) for value in values]
        table.add(words, [*cells, _difference(table, stated(gaps[key])) if key in gaps else Cell("")])
    return table
