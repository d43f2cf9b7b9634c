"""An objective can be neither flattered nor poisoned."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.objectives import (
    AccuracyGap,
    AUROCGap,
    LargestSubgroupLoss,
    Objective,
    OverallAccuracy,
    OverallAUROC,
    WorstGroupAccuracy,
    WorstGroupAUROC,
)
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

_SEX = Subgroups("sex", ("f", "m"), np.repeat([0, 1], [60, 20]))
_LABELS = np.tile([0, 0, 1, 1], 20)


def predict(scores: np.ndarray, *, labels: np.ndarray = _LABELS, sex: Subgroups = _SEX) -> Predictions:
    return Predictions(labels, scores, kind="logit", subgroups={"sex": sex})


def test_a_constant_predictor_has_the_best_gap_there_is_and_the_utility_of_chance_fault_3() -> None:
    constant = predict(np.full(80, 0.3))
    assert AUROCGap(["sex"]).evaluate(constant) == 0.0
    assert AccuracyGap(["sex"]).evaluate(constant) == 0.0
    # What keeps it from winning: a utility floor above chance, or an objective that is itself a utility.
    assert OverallAUROC(["sex"]).evaluate(constant) == 0.5
    assert WorstGroupAUROC(["sex"]).evaluate(constant) == 0.5


def test_the_default_objective_prefers_any_useful_model_to_a_constant_one_fault_3() -> None:
    useful = predict(_LABELS + np.random.default_rng(0).normal(size=80))
    constant = predict(np.zeros(80))
    objective = WorstGroupAUROC(["sex"])
    assert objective.score(objective.evaluate(useful)) > objective.score(objective.evaluate(constant))
    gap = AUROCGap(["sex"])
    assert gap.score(gap.evaluate(constant)) > gap.score(gap.evaluate(useful))


def test_batches_of_one_class_do_not_reach_an_objective_fault_1_and_7() -> None:
    order = np.argsort(_LABELS, kind="stable")
    scores = _LABELS + np.random.default_rng(0).normal(size=80)
    whole, sorted_by_label = predict(scores), predict(scores).take(order)
    for kind in (WorstGroupAUROC, AUROCGap, LargestSubgroupLoss):
        assert kind(["sex"]).evaluate(whole) == pytest.approx(kind(["sex"]).evaluate(sorted_by_label), abs=1e-12)


def test_the_loss_of_a_subgroup_does_not_depend_on_its_size_fault_2() -> None:
    logits = np.where(np.repeat([0, 1], [60, 20]) == 0, 0.5, 0.2) * (2 * _LABELS - 1)
    loss = LargestSubgroupLoss(["sex"]).evaluate(predict(logits))
    probabilities = 1 / (1 + np.exp(-logits[60:]))
    assert loss == pytest.approx(sk.log_loss(_LABELS[60:], probabilities), abs=1e-12)


@pytest.mark.parametrize("kind", [WorstGroupAUROC, AUROCGap])
@pytest.mark.parametrize("only", [0, 1])
def test_a_subgroup_of_one_class_is_refused_and_rewards_nobody_fault_7(kind: type[Objective], only: int) -> None:
    labels = _LABELS.copy()
    labels[60:] = only
    with pytest.raises(UndefinedMetricError, match="Subgroup 'm' of attribute 'sex': AUROC is undefined for"):
        kind(["sex"]).evaluate(predict(np.arange(80.0), labels=labels))


@pytest.mark.parametrize("kind", [WorstGroupAUROC, AUROCGap, WorstGroupAccuracy, AccuracyGap, LargestSubgroupLoss])
def test_an_empty_subgroup_is_refused_by_name(kind: type[Objective]) -> None:
    wider = Subgroups("sex", ("f", "m", "other"), _SEX.codes)
    with pytest.raises(UndefinedMetricError, match="Subgroup 'other' of attribute 'sex'"):
        kind(["sex"]).evaluate(predict(np.arange(80.0), sex=wider))


@pytest.mark.parametrize("kind", [AUROCGap, AccuracyGap])
def test_a_gap_of_one_subgroup_is_refused(kind: type[Objective]) -> None:
    one = Subgroups("sex", ("f",), np.zeros(80, dtype=int))
    with pytest.raises(UndefinedMetricError, match=r"The attribute has 1 subgroup\(s\)"):
        kind(["sex"]).evaluate(predict(np.arange(80.0), sex=one))


@pytest.mark.parametrize("kind", [OverallAUROC, OverallAccuracy, WorstGroupAccuracy, AccuracyGap])
def test_a_split_of_one_class_is_refused_with_the_counts(kind: type[Objective]) -> None:
    with pytest.raises(UndefinedMetricError, match="80 positive and 0 negative samples"):
        kind(["sex"]).evaluate(predict(np.arange(80.0), labels=np.ones(80, dtype=int)))


def test_an_infinite_loss_is_refused_and_not_clipped() -> None:
    certain = Predictions(_LABELS, np.ones(80), kind="probability", subgroups={"sex": _SEX})
    with pytest.raises(UndefinedMetricError, match="Subgroup 'f' of attribute 'sex': Log loss is infinite: 30 of 60"):
        LargestSubgroupLoss(["sex"]).evaluate(certain)
