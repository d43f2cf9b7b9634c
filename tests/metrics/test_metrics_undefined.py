"""What is undefined is a reason: never 0, 1 or NaN, and never left out of a comparison."""

from __future__ import annotations

import json

import pytest

from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.metrics import (
    AttributeAssessment,
    Threshold,
    Value,
    assess,
    auroc,
    by_subgroup,
    difference,
    distance_to_optimal,
    equity_scaled,
    largest,
    ratio,
    smallest,
)
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

_ON_AUROC = ("worst_group_auroc", "best_group_auroc", "auroc_gap", "equity_scaled_auroc", "distance_to_optimal")
_ON_RANKS = (*_ON_AUROC, "worst_group_tpr_at_specificity_90", "tpr_at_specificity_90_gap")
_ON_ODDS = ("equalized_odds_difference", "equalized_odds_ratio")
_ON_RATES = ("demographic_parity_difference", "demographic_parity_ratio", "accuracy_gap", "worst_group_accuracy")


def compare(
    cells: dict[str, tuple[list[int], list[float]]], *, min_per_class: int = 1, threshold: float = 0.5
) -> AttributeAssessment:
    """Assesses subgroups given as name to labels and probabilities."""
    labels = [label for cell, _ in cells.values() for label in cell]
    scores = [score for _, cell in cells.values() for score in cell]
    codes = [code for code, (cell, _) in enumerate(cells.values()) for _ in cell]
    predictions = Predictions(
        labels, scores, kind="probability", subgroups={"sex": Subgroups("sex", tuple(cells), codes)}
    )
    return assess(predictions, Threshold(threshold, "given", "fixed"), min_per_class=min_per_class).attributes["sex"]


_BOTH = ([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])


def undefined(attribute: AttributeAssessment) -> set[str]:
    return {name for name, value in attribute.comparisons.items() if value.value is None}


def test_everything_is_defined_where_every_subgroup_holds_both_classes() -> None:
    assert undefined(compare({"f": _BOTH, "m": _BOTH})) == set()


def test_a_subgroup_without_negatives_undoes_aurocs_and_odds_but_not_parity() -> None:
    sex = compare({"f": _BOTH, "m": ([1, 1], [0.3, 0.8])})
    assert undefined(sex) == {*_ON_RANKS, *_ON_ODDS}
    for name in _ON_AUROC:
        reason = str(sex.comparisons[name].reason)
        assert reason.startswith("Subgroup 'm' of attribute 'sex': AUROC is undefined for 2 positive and 0 negative")
    assert "The false positive rate is undefined: none of 2 samples is negative" in str(
        sex.comparisons["equalized_odds_difference"].reason
    )
    assert sex.comparisons["equal_opportunity_difference"].value == 0.0


def test_a_subgroup_without_positives_has_no_tpr_and_undoes_odds_and_equal_opportunity() -> None:
    sex = compare({"f": _BOTH, "m": ([0, 0], [0.3, 0.8])})
    assert sex.subgroups["m"].values["tpr"].value is None
    assert undefined(sex) == {*_ON_RANKS, *_ON_ODDS, "equal_opportunity_difference", "underdiagnosis_rate_difference"}
    assert "Subgroup 'm' of attribute 'sex': The true positive rate is undefined: none of 2" in str(
        sex.comparisons["equal_opportunity_difference"].reason
    )


def test_an_empty_subgroup_undoes_every_comparison() -> None:
    sex = compare({"f": _BOTH, "m": _BOTH, "other": ([], [])})
    assert undefined(sex) == set(sex.comparisons)
    assert all("Subgroup 'other' of attribute 'sex'" in str(value.reason) for value in sex.comparisons.values())
    assert (sex.subgroups["other"].n, sex.subgroups["other"].n_patients) == (0, 0)
    assert all(value.value is None for value in sex.subgroups["other"].values.values())
    assert sex.minimum_detectable_gap.value is None


def test_a_subgroup_below_the_minimum_has_no_auroc_but_has_rates() -> None:
    large = ([0, 1] * 3, [0.1, 0.9] * 3)
    sex = compare({"f": large, "m": _BOTH}, min_per_class=3)
    assert undefined(sex) == set(_ON_RANKS)
    assert "Subgroup 'm' of attribute 'sex': AUROC is not given for 2 positive and 2 negative samples, fewer than " in (
        str(sex.auroc_gap.reason)
    )
    assert sex.subgroups["f"].values["auroc"].value == 1.0
    assert sex.subgroups["m"].values["tpr"].value == 0.5


def test_every_subgroup_that_is_to_blame_is_named() -> None:
    reason = str(compare({"f": ([0], [0.1]), "m": _BOTH, "x": ([1], [0.9])}).auroc_gap.reason)
    assert "'f'" in reason
    assert "'x'" in reason
    assert "'m'" not in reason


def test_the_default_minimum_is_ten_of_each_class() -> None:
    cell = ([0] * 10 + [1] * 10, [0.1] * 10 + [0.9] * 10)
    sex = Subgroups("sex", ("f", "m"), [0] * 20 + [1] * 19)
    predictions = Predictions(
        cell[0] + cell[0][:19], cell[1] + cell[1][:19], kind="probability", subgroups={"sex": sex}
    )
    subgroups = assess(predictions, Threshold(0.5, "given", "fixed")).attributes["sex"].subgroups
    assert subgroups["f"].values["auroc"].value == 1.0
    assert "9 positive and 10 negative samples, fewer than min_per_class=10" in str(
        subgroups["m"].values["auroc"].reason
    )


def test_the_minimum_guards_subgroups_and_not_the_whole_split() -> None:
    predictions = Predictions([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], kind="probability", subgroups={})
    assert assess(predictions, Threshold(0.5, "given", "fixed"), min_per_class=10).overall["auroc"].value == 0.75


def test_a_ratio_of_nothing_to_nothing_is_undefined() -> None:
    sex = compare({"f": _BOTH, "m": _BOTH}, threshold=1.0)
    assert sex.comparisons["demographic_parity_difference"].value == 0.0
    assert "The ratio is 0/0: the rate is 0 in all of ['f', 'm']" in str(
        sex.comparisons["demographic_parity_ratio"].reason
    )
    assert sex.comparisons["equalized_odds_ratio"].value is None
    assert sex.comparisons["equalized_odds_difference"].value == 0.0


def test_a_ratio_of_nothing_to_something_is_zero() -> None:
    assert ratio({"f": Value(0.0), "m": Value(0.5)}).value == 0.0


def test_one_subgroup_has_no_gap() -> None:
    sex = compare({"f": _BOTH})
    assert sex.worst_group_auroc.value == 0.75
    assert sex.auroc_gap.value is None
    assert "The attribute has 1 subgroup(s): ['f']. Declare one with at least 2" in str(sex.auroc_gap.reason)


def test_an_attribute_without_subgroups_has_nothing() -> None:
    for aggregate in (smallest, largest, difference, ratio, distance_to_optimal):
        assert aggregate({}).value is None
    assert equity_scaled(Value(0.5), {}).value is None


def test_an_undefined_overall_auroc_leaves_no_equity_scaled_one() -> None:
    scaled = equity_scaled(Value(None, "The split: no positives."), {"f": Value(0.5), "m": Value(0.5)})
    assert scaled.reason == "The split: no positives."


def test_a_split_of_one_class_keeps_what_is_defined() -> None:
    predictions = Predictions([0, 0], [0.2, 0.7], kind="probability", subgroups={})
    overall = assess(predictions, Threshold(0.5, "given", "fixed")).overall
    assert overall["fpr"].value == 0.5
    assert str(overall["auroc"].reason).startswith("The split: AUROC is undefined for 0 positive and 2 negative")


def test_a_report_full_of_undefined_values_is_still_plain_json() -> None:
    plain = compare({"f": ([0], [0.1]), "m": ([], [])}).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert isinstance(plain["minimum_detectable_gap"], dict)
    assert set(plain["minimum_detectable_gap"]) == {"value", "reason"}


def test_samples_without_the_attribute_are_a_stratum_that_is_shown_and_not_compared() -> None:
    sex = Subgroups("sex", ("f", "m"), [0, 0, 1, 1, -1, -1])
    predictions = Predictions(
        [0, 1, 0, 1, 0, 1], [0.1, 0.9, 0.1, 0.9, 0.9, 0.1], kind="probability", subgroups={"sex": sex}
    )
    assessed = assess(predictions, Threshold(0.5, "given", "fixed"), min_per_class=1).attributes["sex"]
    assert assessed.n_missing == 2
    assert assessed.missing is not None
    assert assessed.missing.values["auroc"].value == 0.0
    assert assessed.worst_group_auroc.value == 1.0
    assert assessed.to_dict()["missing"] == assessed.missing.to_dict()
    assert compare({"f": _BOTH}).to_dict()["missing"] is None


def test_by_subgroup_keeps_the_order_and_names_whom_a_reason_concerns() -> None:
    sex = Subgroups("sex", ("m", "f"), [1, 1, 0])
    values = by_subgroup(sex, lambda member: auroc([0, 1, 1], [1, 2, 3]) if member.sum() == 2 else auroc([], []))
    assert list(values) == ["m", "f"]
    assert values["f"].value == 1.0
    assert str(values["m"].reason).startswith("Subgroup 'm' of attribute 'sex': AUROC is undefined for 0 positive")


def test_auroc_of_one_class_is_refused_with_the_counts() -> None:
    with pytest.raises(UndefinedMetricError, match=r"undefined for 3 positive and 0 negative samples\. Merge"):
        auroc([1, 1, 1], [0.1, 0.2, 0.3])


def test_a_minimum_below_one_is_refused() -> None:
    predictions = Predictions([0, 1], [0.2, 0.7], kind="probability", subgroups={})
    with pytest.raises(ConfigurationError, match=r"min_per_class is 0\. Give at least 1"):
        assess(predictions, Threshold(0.5, "given", "fixed"), min_per_class=0)
