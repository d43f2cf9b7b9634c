"""The search's report with intervals: no difference is claimed that its interval does not show."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from monai_fairtune.report import write_report
from monai_fairtune.report.answer import answer, key_figures, verdict
from monai_fairtune.report.cautions import cautions
from monai_fairtune.report.comparison import Comparison, against_best_fixed
from monai_fairtune.report.figures import plots
from monai_fairtune.report.limits import limits
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.table_comparison import comparison_table, levelling_table, overall_told
from monai_fairtune.report.table_subgroups import subgroups_table
from monai_fairtune.testing.example_result import example_result
from tests.report.pages import Page

Result = dict[str, Any]


@lru_cache(maxsize=1)
def _plain() -> Result:
    return example_result(n_trials=15, n_epochs=1, intervals=True)


@pytest.fixture
def tested() -> Result:
    """A result with intervals and comparisons; the best fixed method on validation is "norm"."""
    return copy.deepcopy(_plain())


def worst(result: Result) -> Result:
    found: Result = result["comparisons"]["norm"]["attributes"]["age:60"]["worst_group_auroc"]
    return found


def compared(result: Result) -> Comparison:
    found = against_best_fixed(Reading(result))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("value", "low", "high", "p", "kind", "words"),
    [
        (0.03, 0.01, 0.05, 0.003, "better", "is better than it on test"),
        (-0.03, -0.05, -0.01, 0.003, "worse", "the search brought the worst-off subgroup nothing"),
        (0.03, -0.001, 0.06, 0.06, "unclear", "is not distinguishable from it on test"),
        (0.03, 0.001, 0.06, 0.06, "unclear", "is not distinguishable from it on test"),
        (0.03, 0.01, 0.05, None, "better", "is better than it on test"),
    ],
)
def test_the_verdict_is_what_the_interval_shows(
    tested: Result, value: float, low: float, high: float, p: float | None, kind: str, words: str
) -> None:
    worst(tested).update(difference={"value": value, "low": low, "high": high}, p_value=p)
    reading = Reading(tested)
    assert verdict(reading)["kind"] == kind
    assert words in answer(reading)
    assert ("not distinguishable" in answer(reading).lower().split("levelling")[0]) == (kind == "unclear")


def test_without_an_interval_the_difference_is_not_called_tested(tested: Result) -> None:
    worst(tested)["difference"] = {"value": 0.03, "low": None, "high": None}
    assert "was not tested" in verdict(Reading(tested))["sentence"]


def test_levelling_down_is_named_only_where_it_is_shown(tested: Result) -> None:
    entries = [
        {
            "subgroup": "[0,60)",
            "measure": "auroc",
            "difference": {"value": -0.02, "low": -0.03, "high": -0.01},
            "conclusion": "lower",
        },
        {
            "subgroup": "[60,inf)",
            "measure": "tpr",
            "difference": {"value": -0.02, "low": -0.05, "high": 0.01},
            "conclusion": "not distinguishable",
        },
    ]
    tested["comparisons"]["norm"]["attributes"]["age:60"]["levelling_down"] = entries
    told = answer(Reading(tested))
    assert "lower than with that fixed method is the AUROC of age below 60 (−0.020, −0.030 to −0.010)." in told
    assert "not distinguishable, is the TPR of age 60 and above" in told
    table = levelling_table(compared(tested), "age:60", "t")
    assert table is not None
    assert [row.cells[-1].text for row in table.rows] == ["lower", "not distinguishable"]
    entries[0]["difference"] = {"value": -0.02, "low": -0.05, "high": 0.01}
    assert "Levelling down" not in answer(Reading(tested))
    tested["comparisons"]["norm"]["attributes"]["age:60"]["levelling_down"] = []
    assert "No subgroup's AUROC or TPR is lower" in answer(Reading(tested))


def test_every_difference_is_in_the_table_and_concluded_by_its_corrected_p(tested: Result) -> None:
    entry = tested["comparisons"]["norm"]["attributes"]["age:60"]["subgroups"]["[0,60)"]["auroc"]
    entry |= {"difference": {"value": 0.02, "low": 0.001, "high": 0.04}, "p_value": 0.04, "p_holm": 0.08}
    table = comparison_table(compared(tested), "age:60", "t", "norm")
    cells = [cell.text for cell in table.rows[0].cells]
    assert cells[3:] == ["+0.020", "0.040", "0.080", "not distinguishable"]
    assert table.rows[0].cells[3].detail == "0.001 to 0.040"
    assert len(table.rows) == 2 * 4 + 3 + 2
    entry["p_holm"] = 0.03
    assert comparison_table(compared(tested), "age:60", "t", "norm").rows[0].cells[-1].text == "higher"


@pytest.mark.parametrize(
    ("non_inferior", "words"), [(True, "can be ruled out"), (False, "cannot be ruled out"), (None, "was not tested")]
)
def test_whether_overall_auroc_was_kept_is_said(tested: Result, non_inferior: bool | None, words: str) -> None:
    tested["comparisons"]["norm"]["overall"]["auroc"]["non_inferior"] = non_inferior
    assert words in overall_told(compared(tested), "norm")


def test_intervals_and_chance_stand_in_the_key_figures_and_cautions_change(tested: Result) -> None:
    gap = tested["test"]["attributes"]["age:60"]["auroc_gap"]
    figures = {figure["label"]: figure for figure in key_figures(Reading(tested))}
    assert figures["AUROC gap"]["interval"] == f"{gap['low']:.3f} to {gap['high']:.3f}"
    assert f"chance alone gives {gap['null_mean']:.3f} on average" in figures["AUROC gap"]["detail"]
    assert "Read every number with its interval" in cautions(Reading(tested))[0]
    assert not any("were computed" in text for text in (*cautions(Reading(tested)), *limits(Reading(tested))))


def test_stored_harm_is_shown_with_its_interval(tested: Result) -> None:
    entry = tested["test"]["attributes"]["age:60"]["subgroups"]["[0,60)"]["fn_per_1000"]
    cell = subgroups_table(Reading(tested), "age:60", 1).rows[0].cells[9]
    assert cell.text == f"{entry['value']:.0f}"
    assert cell.detail == f"{entry['low']:.0f} to {entry['high']:.0f}"


def test_the_page_has_curves_forest_gaps_and_the_comparison(tested: Result, store: Callable[[Result], Path]) -> None:
    page = Page(write_report(store(tested)).read_text(encoding="utf-8"))
    figures = {str(a["id"]).removeprefix("figure-") for a in page.all("figure")}
    assert {"forest", "roc", "calibration", "harm", "gaps", "comparison"} <= figures
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    assert "comparison" in ids
    assert page.open == []
    bare = copy.deepcopy(tested)
    del bare["comparisons"]
    assert "comparison" not in {plot.key for plot in plots(Reading(bare))}
    assert 'id="comparison"' not in write_report(store(bare)).read_text(encoding="utf-8")


def test_a_comparison_with_undefined_differences_is_told_with_reasons(
    store: Callable[[Result], Path],
) -> None:
    result = example_result({"race": ["A", "B"]}, rare=[("race", "B")], n_trials=15, n_epochs=1, intervals=True)
    html = write_report(store(json.loads(json.dumps(result)))).read_text(encoding="utf-8")
    assert "No comparison on test" in html
    assert not re.search(r"\bnan\b", html.lower())
