"""Tables: every number comes from the result."""

from __future__ import annotations

from typing import Any

import pytest

from monai_fairtune.report.reading import Reading
from monai_fairtune.report.table_cohort import cohort_table, eligibility_table
from monai_fairtune.report.table_methods import finalists_table, generalization_table, methods_table
from monai_fairtune.report.table_setup import setup_rows, trials_table
from monai_fairtune.report.table_subgroups import subgroups_table
from monai_fairtune.report.tables import Row, Table

Result = dict[str, Any]


def row(table: Table, head: str) -> list[str]:
    found: Row = next(row for row in table.rows if row.head == head)
    return [cell.text for cell in found.cells]


def test_methods_show_share_validation_selection_and_test(result: Result) -> None:
    table = methods_table(Reading(result), "age:60", 1)
    assert [row.head for row in table.rows] == ["head only", "full", "bias", "norm", "attention", "found mask"]
    norm = result["anchors"][3]
    attribute = norm["test"]["attributes"]["age:60"]
    expected = [
        norm["value"],
        norm["selection"]["attributes"]["age:60"]["worst_group_auroc"]["value"],
        norm["test"]["overall"]["auroc"]["value"],
        attribute["worst_group_auroc"]["value"],
        attribute["auroc_gap"]["value"],
        attribute["equalized_odds_difference"]["value"],
    ]
    assert row(table, "norm")[:-1] == ["0.09 %", *(f"{value:.3f}" for value in expected)]
    change = norm["fairness_generalization_gap"]["age:60"]["auroc_gap"]["value"]
    assert row(table, "norm")[-1] == f"{change:+.3f}".replace("-", "−")


def test_the_final_model_shows_the_searchs_values_so_that_optimism_is_seen(result: Result) -> None:
    chosen = result["finalists"][0]
    cells = row(methods_table(Reading(result), "age:60", 1), "found mask")
    assert cells[1:3] == [f"{chosen['value']:.3f}", f"{chosen['selection_value']:.3f}"]


def test_a_confirmed_anchor_is_listed_once_with_its_seeds_and_the_test_of_its_first_training(result: Result) -> None:
    confirmed = {"trial": 3, "name": "norm", "selection_value": 0.5, "selection_values": [0.5], "value": 0.6}
    result["finalists"].append(confirmed)
    found = [row for row in finalists_table(Reading(result)).rows if row.head == "norm"]
    assert len(found) == 1
    assert [cell.text for cell in found[0].cells][1:4] == ["0.600", "0.500", "0.500"]
    assert found[0].detail == "test: of its first training"


def test_every_value_of_an_anchor_in_the_comparison_is_of_the_same_model(result: Result) -> None:
    result["finalists"].append({"trial": 3, "name": "norm", "selection_value": 0.5, "selection_values": [0.5]})
    own = result["anchors"][3]["selection"]["attributes"]["age:60"]["worst_group_auroc"]["value"]
    assert row(methods_table(Reading(result), "age:60", 1), "norm")[2] == f"{own:.3f}"


def test_finalists_show_every_seed_and_the_drop_to_test(result: Result) -> None:
    chosen = result["finalists"][0]
    test = result["test"]["attributes"]["age:60"]["worst_group_auroc"]["value"]
    cells = row(finalists_table(Reading(result)), chosen["name"])
    assert cells[3] == ", ".join(f"{value:.3f}" for value in chosen["selection_values"])
    assert cells[4] == f"{test:.3f}"
    assert cells[5] == f"{test - chosen['value']:+.3f}".replace("-", "−")


def test_missed_and_false_alarms_are_per_thousand_images(result: Result) -> None:
    subgroup = result["test"]["attributes"]["age:60"]["subgroups"]["[60,inf)"]
    del subgroup["fn_per_1000"], subgroup["fp_per_1000"]
    subgroup |= {"n": 200, "n_positive": 50, "tpr": {"value": 0.8}, "fpr": {"value": 0.1}}
    cells = row(subgroups_table(Reading(result), "age:60", 1), "[60,inf)")
    assert cells[9:11] == ["50", "75"]  # 10 of 200 missed, 15 of 200 alarms
    subgroup |= {"n_positive": 0, "tpr": {"value": None, "reason": "no positives"}}
    assert row(subgroups_table(Reading(result), "age:60", 1), "[60,inf)")[9:11] == ["0", "100"]


def test_subgroups_are_followed_by_what_is_missing_and_by_all(result: Result) -> None:
    table = subgroups_table(Reading(result), "age:60", 1)
    assert [row.head for row in table.rows] == ["[0,60)", "[60,inf)", "not recorded", "all"]
    assert row(table, "not recorded")[0] == str(result["test"]["attributes"]["age:60"]["n_missing"])
    assert row(table, "all")[0] == str(result["test"]["n"])
    positives = sum(int(row(table, head)[2]) for head in ("[0,60)", "[60,inf)", "not recorded"))
    assert row(table, "all")[2] == str(positives)


def test_a_subgroup_is_compared_with_the_best_fixed_method(result: Result) -> None:
    ours = result["test"]["attributes"]["age:60"]["subgroups"]["[0,60)"]["auroc"]["value"]
    theirs = result["anchors"][3]["test"]["attributes"]["age:60"]["subgroups"]["[0,60)"]["auroc"]["value"]
    cells = row(subgroups_table(Reading(result), "age:60", 1), "[0,60)")
    assert cells[3:6] == [f"{ours:.3f}", f"{theirs:.3f}", f"{round(ours, 3) - round(theirs, 3):+.3f}".replace("-", "−")]


def test_measures_are_shown_for_all_splits(result: Result) -> None:
    table = generalization_table(Reading(result), "age:60", 1)
    values = [
        result[split]["attributes"]["age:60"]["auroc_gap"]["value"]
        for split in ("train", "validation", "selection", "test")
    ]
    assert row(table, "AUROC gap")[:4] == [f"{value:.3f}" for value in values]
    assert "minimum detectable AUROC gap" in [row.head for row in table.rows]


def test_intervals_are_shown_where_they_are_stored(result: Result) -> None:
    result["test"]["overall"]["auroc"] |= {"low": 0.801, "high": 0.888}
    table = methods_table(Reading(result), "age:60", 1)
    assert table.rows[-1].cells[3].detail == "0.801 to 0.888"


def test_the_cohort_is_counted_by_split_subgroup_and_class(result: Result) -> None:
    table = cohort_table(Reading(result))
    assert table is not None
    assert [row.head for row in table.rows] == ["all", "[0,60)", "[60,inf)", "not recorded"]
    test = result["cohort"]["splits"]["test"]
    assert row(table, "all")[-3:] == [str(test[key]) for key in ("n", "n_patients", "n_positive")]
    n = [int(row(table, head)[-3]) for head in ("[0,60)", "[60,inf)", "not recorded")]
    assert sum(n) == test["n"]


def test_cells_that_are_too_small_are_marked(result: Result) -> None:
    result["eligibility"]["cells"]["validation"]["age:60"]["[60,inf)"] = [100, 19]
    result["eligibility"]["cells"]["test"]["age:60"]["[60,inf)"] = [100, 10]
    table = eligibility_table(Reading(result))
    assert table is not None
    old = next(row for row in table.rows if row.head == "[60,inf)")
    assert [cell.detail for cell in old.cells] == ["", "too few", "", "", "", ""]


def test_every_trial_is_listed_with_what_became_of_it(result: Result) -> None:
    table = trials_table(Reading(result))
    assert table is not None
    assert len(table.rows) == len(result["trials"])
    assert table.rows[0].detail == "head only"
    assert {cells.cells[0].text for cells in table.rows} <= {"complete", "pruned", "failed"}


@pytest.mark.parametrize("group", ["Study", "Network", "Training", "Preprocessing", "Versions", "Identity"])
def test_the_set_up_has_every_group(result: Result, group: str) -> None:
    assert group in [title for title, rows in setup_rows(Reading(result)) if rows]


def test_the_set_up_tells_how_the_cohort_was_prepared_and_nothing_where_it_was_not(result: Result) -> None:
    heading = "Preparation of the cohort"
    assert heading not in dict(setup_rows(Reading(result)))
    result["cohort"]["preparation"] = {"dataset": "Skin", "label": "1: mel; 0: nv", "options": {"bcc": "benign"}}
    found = dict(setup_rows(Reading(result)))[heading]
    assert found == [("dataset", "Skin"), ("label", "1: mel; 0: nv"), ("options: bcc", "benign")]


def test_the_set_up_tells_how_far_trainings_bore_screening_out(result: dict[str, Any]) -> None:
    trials = [{"trial": 5, "screened": 0.80, "trained": 0.83}, {"trial": 6, "screened": 0.79, "trained": None}]
    found = {"n_screened": 64, "screened_with": "attention", "trials": trials}
    rows = dict(setup_rows(Reading({**result, "screening": found})))["Screening"]
    assert dict(rows)["masks scored without training"] == "64"
    assert dict(rows)["of these trained"] == "2"
    assert dict(rows)["trained minus screened value, on average"] == "+0.030"
    assert "Screening" not in dict(setup_rows(Reading({**result, "screening": None})))
