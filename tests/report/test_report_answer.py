"""The answer in words: honest in every case."""

from __future__ import annotations

from typing import Any

import pytest

from monai_fairtune.report.answer import answer, key_figures, verdict
from monai_fairtune.report.cautions import cautions
from monai_fairtune.report.reading import Reading
from monai_fairtune.testing.example_result import example_result

Result = dict[str, Any]


def set_worst(report: Result, value: float, attribute: str = "age:60") -> None:
    report["attributes"][attribute]["worst_group_auroc"].update(value=value, subgroup="[60,inf)")


def anchor(result: Result, name: str) -> Result:
    return next(anchor for anchor in result["anchors"] if anchor["name"] == name)


def test_the_answer_names_mask_share_subgroup_and_the_best_fixed_method(result: Result) -> None:
    set_worst(result["test"], 0.8254)
    set_worst(anchor(result, "norm")["test"], 0.7851)
    result["trained_share"] = 0.109
    told = answer(Reading(result))
    n_tuned = sum(result["mask"]["components"].values())
    assert f"tunes {n_tuned} of 12 components" in told
    assert "10.9 %" in told
    assert "worst-group AUROC is 0.825, for the subgroup age 60 and above" in told
    assert "about 83 of 100" in told
    assert "class 1 (malignant)" in told
    assert "best fixed method on validation was “norm”, with a worst-group AUROC of 0.785 on test" in told
    assert "better than it on test, by 0.040" in told
    assert "was not tested" in told
    assert "Tuning the head only reaches" in told
    assert "full fine-tuning reaches" in told
    assert "[60,inf)" not in told


@pytest.mark.parametrize(
    ("ours", "kind", "words"),
    [
        (0.801, "better", "better than it on test, by 0.001"),
        (0.8004, "equal", "equal to it on test, to three decimals"),
        (0.788, "worse", "worse than it on test, by 0.012, and on these patients the search brought"),
    ],
)
def test_the_found_mask_is_called_better_equal_or_worse_as_it_is(
    result: Result, ours: float, kind: str, words: str
) -> None:
    set_worst(anchor(result, "norm")["test"], 0.8)
    set_worst(result["test"], ours)
    assert verdict(Reading(result))["kind"] == kind
    assert words in answer(Reading(result))


def test_the_best_fixed_method_is_chosen_on_validation_and_not_on_test(result: Result) -> None:
    set_worst(anchor(result, "bias")["test"], 0.99)
    best = Reading(result).best_fixed
    assert best is not None
    assert best.name == "norm"


def test_the_best_fixed_method_reaches_the_utility_floor_if_one_does(result: Result) -> None:
    anchor(result, "head only")["value"] = 0.99
    best = Reading(result).best_fixed
    assert best is not None
    assert best.name == "norm"
    for trial in result["trials"]:
        trial["feasible"] = False
    best = Reading(result).best_fixed
    assert best is not None
    assert best.name == "head only"


def test_a_smaller_objective_is_better_where_the_direction_says_so(result: Result) -> None:
    result |= {"objective": "auroc_gap", "objective_direction": "minimize"}
    for anchor_, value in zip(result["anchors"], (0.05, 0.09, 0.07, 0.06, 0.08), strict=True):
        anchor_["value"] = value
        anchor_["trial"] += 1000
    result["trials"] = []
    best = Reading(result).best_fixed
    assert best is not None
    assert best.name == "head only"


def test_an_anchor_as_the_answer_is_said_plainly(result: Result) -> None:
    result["method"] = "norm"
    told = answer(Reading(result))
    assert "none was preferred to a fixed method: the answer is “norm”" in told
    assert "the search found nothing better" in told
    assert verdict(Reading(result))["kind"] == "same"
    result["method"] = "bias"
    assert verdict(Reading(result))["kind"] != "same"
    assert "The chosen method is" in answer(Reading(result))


def test_subgroups_that_lost_against_the_best_fixed_method_are_named(result: Result) -> None:
    result["test"]["attributes"]["age:60"]["subgroups"]["[0,60)"]["auroc"]["value"] = 0.8
    anchor(result, "norm")["test"]["attributes"]["age:60"]["subgroups"]["[0,60)"]["auroc"]["value"] = 0.85
    assert "the AUROC of age below 60 (0.850 to 0.800)" in answer(Reading(result))


def test_an_undefined_test_value_is_told_with_its_reason(result: Result) -> None:
    result["test"]["attributes"]["age:60"]["worst_group_auroc"] = {"value": None, "reason": "It holds 3 positives."}
    told = answer(Reading(result))
    assert "not defined: It holds 3 positives." in told
    assert verdict(Reading(result))["kind"] == "unknown"
    assert key_figures(Reading(result))[0]["value"] == "–"


def test_a_result_without_anchors_says_so(result: Result) -> None:
    result["anchors"] = []
    assert "No fixed method was trained" in answer(Reading(result))


def test_with_several_attributes_the_worst_of_all_is_told() -> None:
    result = example_result(
        {"sex": ["female", "male"], "sex*age:60": ["female & [0,60)", "male & [60,inf)"]}, n_epochs=1
    )
    result["test"]["attributes"]["sex*age:60"]["worst_group_auroc"] = {"value": 0.61, "subgroup": "male & [60,inf)"}
    assert "0.610, for the subgroup male (sex) and age 60 and above" in answer(Reading(result))


def test_small_differences_are_always_warned_of_with_the_detectable_gap(result: Result) -> None:
    result["test"]["attributes"]["age:60"]["minimum_detectable_gap"] = 0.123
    first = cautions(Reading(result))[0]
    assert "Neither intervals nor tests of differences were computed" in first
    assert "0.12 between subgroups of age" in first


def test_a_plain_result_has_no_further_caution_than_missing_values(result: Result) -> None:
    told = cautions(Reading(result))
    assert len(told) == 2
    assert "is not recorded for" in told[1]


def test_everything_unusual_is_a_caution(result: Result) -> None:
    result["objective_note"] = "It mostly ranks noise on small splits."
    result["eligibility"] |= {"lowered": True, "min_per_class": 5}
    result["test_reads"] = 3
    result["network"]["pretrained"] = False
    result["cohort"] |= {"train_fraction": 0.2, "where": "plane=axial"}
    told = " ".join(cautions(Reading(result)))
    for words in (
        "mostly ranks noise",
        "lowered from 20 to 5",
        "read 3 times",
        "random weights",
        "Only 20.0 % of the training split",
        "plane=axial",
    ):
        assert words in told
