"""What has no value is a dash with a reason that needs no mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import result_table, write_report
from monai_fairtune.report.plots_curves import curves_plot
from monai_fairtune.report.plots_selection import selection_plot
from monai_fairtune.report.plots_style import WIDE, plot_style
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import Stated, objective_value, stated
from monai_fairtune.report.table_methods import finalists_table, methods_table
from monai_fairtune.report.table_subgroups import subgroups_table
from monai_fairtune.testing.example_result import example_result

Result = dict[str, Any]
RACES = {"race": ["Asian", "Black", "White"]}


@pytest.fixture(scope="module")
def rare() -> Result:
    return example_result(RACES, rare=[("race", "Black")], n_trials=15, n_epochs=2)


def test_the_reason_is_printed_below_the_table_and_linked_from_the_dash(
    rare: Result, store: Callable[[Result], Path]
) -> None:
    html = write_report(store(rare)).read_text(encoding="utf-8")
    reason = rare["test"]["attributes"]["race"]["subgroups"]["Black"]["auroc"]["reason"]
    assert "6 positive" in reason
    note = re.search(r'<li id="(subgroups-1-note-\d+)">([^<]*6 positive[^<]*)</li>', html)
    assert note is not None
    assert unescape(note[2]) == reason
    assert f'–<sup><a href="#{note[1]}"' in html


def test_equal_reasons_share_a_note(rare: Result) -> None:
    table = methods_table(Reading(rare), "race", 1)
    assert len(table.notes) == len(set(table.notes))
    assert all(cell.note is None or table.notes[cell.note - 1] for row in table.rows for cell in row.cells)
    assert all((cell.text == "–") == (cell.note is not None) for row in table.rows for cell in row.cells)


def test_undefined_is_never_a_number(rare: Result) -> None:
    black = next(row for row in subgroups_table(Reading(rare), "race", 1).rows if row.head == "Black")
    assert black.cells[3].text == "–"
    assert objective_value(rare["test"], "worst_group_auroc", ["race"]).value is None


def test_a_finalist_without_test_values_says_why(result: Result) -> None:
    table = finalists_table(Reading(result))
    other = table.rows[1].cells[4]
    assert other.text == "–"
    assert other.note is not None
    assert "not chosen" in table.notes[other.note - 1]


def test_the_console_table_tells_reasons_below(rare: Result) -> None:
    told = result_table(rare)
    assert "–" in told
    assert "6 positive" in " ".join(told.split())


@pytest.mark.parametrize("entry", [None, float("nan"), float("inf"), True, "0.5", {}, {"value": None}])
def test_what_is_no_finite_number_is_read_as_undefined(entry: object) -> None:
    found = stated(entry)
    assert found.value is None
    assert found.reason


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ("worst_group_auroc", 0.7),
        ("auroc_gap", 0.2),
        ("largest_subgroup_loss", 0.6),
        ("worst_group_accuracy", 0.75),
        ("accuracy_gap", 0.1),
        ("overall_auroc", 0.8),
        ("overall_accuracy", 0.85),
    ],
)
def test_an_objective_is_read_from_a_report_as_the_worst_over_the_attributes(objective: str, expected: float) -> None:
    def values(**numbers: float) -> Result:
        return {name: {"value": number} for name, number in numbers.items()}

    sex = values(worst_group_auroc=0.7, auroc_gap=0.1, largest_subgroup_loss=0.6, worst_group_accuracy=0.8)
    age = values(worst_group_auroc=0.75, auroc_gap=0.2, largest_subgroup_loss=0.5, worst_group_accuracy=0.75)
    report = {
        "overall": values(auroc=0.8, accuracy=0.85),
        "attributes": {"sex": sex | values(accuracy_gap=0.1), "age:60": age | values(accuracy_gap=0.0)},
    }
    assert objective_value(report, objective, ["sex", "age:60"]) == Stated(expected)


def test_a_bare_result_still_makes_a_page(result: Result, store: Callable[[Result], Path]) -> None:
    for anchor in result["anchors"]:
        anchor["epochs"] = []
    bare: Result = {
        "epochs": [],
        "finalists": [],
        "trials": [],
        "eligibility": {},
        "cohort": {},
        "versions": {},
        "study": {},
    }
    result |= {**bare, "method": "norm", "mask": {**result["mask"], "components": {}}}
    html = write_report(store(result)).read_text(encoding="utf-8")
    assert "No AUROC by epoch was recorded" in html
    assert "No trial with a value is recorded" in html
    assert "No counts are recorded" in html


def test_finalists_with_empty_fields_are_listed_and_drawn(result: Result) -> None:
    result["finalists"][1] |= {"selection_values": [], "selection_value": None, "trained_share": None, "value": None}
    table = finalists_table(Reading(result))
    assert [cell.text for cell in table.rows[1].cells] == ["–", "–", "–", "one seed", "–", "–"]
    assert selection_plot(Reading(result), "selection") is not None


def test_curves_without_train_values_say_so(result: Result) -> None:
    for epoch in result["epochs"]:
        epoch["train"] = None
    plot = curves_plot(Reading(result), "age:60", "curves")
    assert plot is not None
    assert "Training curves were not recorded for: final model (found mask)" in plot.caption
    with plot_style():
        plot.draw(WIDE)
