"""Fairness measures on unseen data minus the same on train."""

from __future__ import annotations

import pytest

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.metrics import Assessment, Threshold, assess, fairness_generalization_gap
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

_PERFECT = [-2.0, -1.0, 1.0, 2.0]
_FAULTY = [-2.0, 1.0, -1.0, 2.0]


def report(
    female: list[float], male: list[float], *, threshold: float = 0.5, names: tuple[str, ...] = ("f", "m")
) -> Assessment:
    codes = [0] * len(female) + [1] * len(male)
    sex = Subgroups("sex", names, codes)
    labels = [0, 0, 1, 1][: len(female)] + [0, 0, 1, 1][: len(male)]
    predictions = Predictions(labels, female + male, kind="logit", subgroups={"sex": sex})
    return assess(predictions, Threshold(threshold, "validation", "youden"), min_per_class=1)


def test_it_is_unseen_minus_train_for_each_measure() -> None:
    gap = fairness_generalization_gap(report(_PERFECT, _PERFECT), report(_PERFECT, _FAULTY))["sex"]
    assert gap["auroc_gap"].value == pytest.approx(0.25)
    assert gap["worst_group_auroc"].value == pytest.approx(-0.25)
    assert gap["equalized_odds_difference"].value == pytest.approx(0.5)
    assert gap["largest_subgroup_loss"].require() > 0
    assert list(gap) == ["auroc_gap", "worst_group_auroc", "equalized_odds_difference", "largest_subgroup_loss"]


def test_it_is_zero_between_a_split_and_itself() -> None:
    same = report(_PERFECT, _FAULTY)
    assert all(value.value == 0.0 for value in fairness_generalization_gap(same, same)["sex"].values())


def test_it_changes_sign_when_the_two_are_exchanged() -> None:
    one, other = report(_PERFECT, _PERFECT), report(_PERFECT, _FAULTY)
    there, back = fairness_generalization_gap(one, other)["sex"], fairness_generalization_gap(other, one)["sex"]
    assert all(there[name].require() == -back[name].require() for name in there)


def test_where_one_side_is_undefined_so_is_the_difference_and_the_reason_says_which_side() -> None:
    gap = fairness_generalization_gap(report(_PERFECT, _PERFECT), report(_PERFECT, [0.5]))["sex"]
    assert str(gap["auroc_gap"].reason).startswith("On unseen data: Subgroup 'm' of attribute 'sex': AUROC is undef")
    assert gap["largest_subgroup_loss"].value is not None
    both = fairness_generalization_gap(report(_PERFECT, [0.5]), report([0.5], _PERFECT))["sex"]["auroc_gap"]
    assert "On train: Subgroup 'm'" in str(both.reason)
    assert "On unseen data: Subgroup 'f'" in str(both.reason)


def test_odds_at_two_thresholds_are_not_subtracted() -> None:
    gap = fairness_generalization_gap(report(_PERFECT, _FAULTY), report(_PERFECT, _FAULTY, threshold=0.4))["sex"]
    assert "The thresholds differ: 0.5 on train and 0.4 on unseen data" in str(gap["equalized_odds_difference"].reason)
    assert gap["auroc_gap"].value == 0.0


def test_other_subgroups_are_refused() -> None:
    with pytest.raises(PredictionsError, match="Assess both over the same subgroups"):
        fairness_generalization_gap(report(_PERFECT, _FAULTY), report(_PERFECT, _FAULTY, names=("f", "x")))
