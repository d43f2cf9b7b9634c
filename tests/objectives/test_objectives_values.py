"""What each objective says of a split."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

import monai_fairtune.objectives
from monai_fairtune.exceptions import ConfigurationError, PredictionsError
from monai_fairtune.metrics import Value, assess, choose_threshold
from monai_fairtune.objectives import (
    AccuracyGap,
    AUROCGap,
    LargestSubgroupLoss,
    Objective,
    OverallAccuracy,
    OverallAUROC,
    SubgroupObjective,
    WorstGroupAccuracy,
    WorstGroupAUROC,
    objective_by_name,
)
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups
from monai_fairtune.testing.random_predictions import random_predictions

_FAMILY: list[type[Objective]] = [
    WorstGroupAUROC,
    AUROCGap,
    WorstGroupAccuracy,
    AccuracyGap,
    LargestSubgroupLoss,
    OverallAUROC,
    OverallAccuracy,
]
_COMPARING = [kind for kind in _FAMILY if issubclass(kind, SubgroupObjective)]
# The first four images are ranked perfectly, the last four have one pair of four the wrong way round.
_LABELS = [0, 0, 1, 1, 0, 0, 1, 1]
_LOGITS = [-2.0, -1.0, 1.0, 2.0, -2.0, 1.0, -1.0, 2.0]


def two_attributes() -> Predictions:
    sex = Subgroups("sex", ("f", "m"), [0, 0, 0, 0, 1, 1, 1, 1])
    hand = Subgroups("hand", ("left", "right"), [0, 1, 0, 1, 0, 1, 0, 1])
    return Predictions(_LABELS, _LOGITS, kind="logit", subgroups={"sex": sex, "hand": hand})


def sizeable(seed: int = 0) -> Predictions:
    return random_predictions(seed, n=600, attributes=(("sex", 2), ("site", 4)), missing=0.1)


@pytest.mark.parametrize("kind", _FAMILY)
def test_an_objective_says_what_the_assessment_at_its_threshold_says(kind: type[Objective]) -> None:
    predictions = sizeable()
    report = assess(predictions, choose_threshold(predictions), min_per_class=1)
    if kind.name.startswith("overall_"):
        expected = report.overall[kind.name.removeprefix("overall_")].require()
    else:
        each = [attribute.comparisons[kind.name].require() for attribute in report.attributes.values()]
        expected = min(each) if kind.name.startswith("worst") else max(each)
    assert kind(["sex", "site"]).evaluate(predictions) == pytest.approx(expected, abs=1e-12)


def test_worked_by_hand() -> None:
    predictions = two_attributes()
    assert WorstGroupAUROC(["sex"]).evaluate(predictions) == 0.75
    assert AUROCGap(["sex"]).evaluate(predictions) == 0.25
    assert LargestSubgroupLoss(["sex"]).evaluate(predictions) == pytest.approx(
        sk.log_loss(_LABELS[4:], 1 / (1 + np.exp(-np.array(_LOGITS[4:]))))
    )
    # Left-handed: negatives -2 -2, positives 1 -1; right-handed: negatives -1 1, positives 2 2.
    assert AUROCGap(["hand"]).evaluate(predictions) == 0.0
    assert OverallAUROC(["sex"]).evaluate(predictions) == sk.roc_auc_score(_LABELS, _LOGITS)


def test_with_several_attributes_the_worst_subgroup_of_all_counts_and_the_largest_gap() -> None:
    predictions = two_attributes()
    for attributes in (["sex", "hand"], ["hand", "sex"]):
        assert WorstGroupAUROC(attributes).evaluate(predictions) == 0.75
        assert AUROCGap(attributes).evaluate(predictions) == 0.25
    assert WorstGroupAUROC(["hand"]).evaluate(predictions) == 1.0


@pytest.mark.parametrize("kind", _COMPARING)
def test_samples_without_the_attribute_are_outside(kind: type[Objective]) -> None:
    predictions = sizeable()
    known = predictions.subgroups["sex"].codes >= 0
    whole, part = kind(["sex"]).evaluate(predictions), kind(["sex"]).evaluate(predictions.take(known))
    if "accuracy" in kind.name:
        threshold = choose_threshold(predictions)
        assert whole == assess(predictions, threshold).attributes["sex"].comparisons[kind.name].value
    else:
        assert whole == part


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_order_of_the_samples_changes_nothing(seed: int, order: int) -> None:
    predictions = random_predictions(seed, n=150, attributes=(("sex", 2),), n_levels=10)
    shuffled = predictions.take(np.random.default_rng(order).permutation(150))
    for kind in _FAMILY:
        ours, theirs = (Value.of(partial(kind(["sex"]).evaluate, split)).value for split in (predictions, shuffled))
        assert theirs is None if ours is None else theirs == pytest.approx(ours, abs=1e-12)


@pytest.mark.parametrize("kind", _FAMILY)
def test_a_score_is_larger_for_the_better_of_two_values(kind: type[Objective]) -> None:
    objective = kind(["sex"])
    better, worse = (0.9, 0.1) if objective.direction == "maximize" else (0.1, 0.9)
    assert objective.score(better) > objective.score(worse)
    assert objective.direction == ("minimize" if "gap" in kind.name or "loss" in kind.name else "maximize")


@pytest.mark.parametrize("kind", _FAMILY)
def test_a_configuration_finds_an_objective_by_its_name(kind: type[Objective]) -> None:
    objective = objective_by_name(kind.name, ["sex", "age:60"])
    assert type(objective) is kind
    assert objective.attributes == ("sex", "age:60")


def test_every_public_objective_has_a_name_of_its_own() -> None:
    public = [value for value in vars(monai_fairtune.objectives).values() if inspect.isclass(value)]
    concrete = {kind for kind in public if issubclass(kind, Objective) and not inspect.isabstract(kind)}
    assert concrete == set(_FAMILY)
    assert len({kind.name for kind in concrete}) == len(_FAMILY)


def test_the_gap_warns_that_it_ranks_noise_and_the_default_needs_no_caution() -> None:
    assert "ranks the noise" in AUROCGap(["sex"]).note
    assert WorstGroupAUROC(["sex"]).note == ""


def test_the_noise_that_the_note_speaks_of_is_there() -> None:
    rng = np.random.default_rng(0)
    codes, labels = np.repeat(np.arange(4), 50), np.tile([0, 1], 100)
    gaps = []
    for _ in range(200):
        scores = labels * 1.2 + rng.normal(size=200)
        subgroups = {"g": Subgroups("g", ("a", "b", "c", "d"), codes)}
        gaps.append(AUROCGap(["g"]).evaluate(Predictions(labels, scores, kind="logit", subgroups=subgroups)))
    assert np.mean(gaps) > 0.1


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no objective 'min_auc'\. Choose one of worst_group_auroc, auroc_gap"
    ):
        objective_by_name("min_auc", ["sex"])


def test_one_attribute_may_be_given_as_text() -> None:
    assert WorstGroupAUROC("sex").attributes == ("sex",)


@pytest.mark.parametrize("kind", _COMPARING)
def test_comparing_subgroups_needs_an_attribute(kind: type[Objective]) -> None:
    with pytest.raises(ConfigurationError, match="was given no attribute"):
        kind([])


def test_an_overall_objective_needs_none() -> None:
    assert OverallAUROC([]).evaluate(two_attributes()) == sk.roc_auc_score(_LABELS, _LOGITS)


def test_an_attribute_given_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"\['sex', 'sex'\]\. Give each once"):
        WorstGroupAUROC(["sex", "sex"])


def test_predictions_without_the_attribute_are_refused() -> None:
    with pytest.raises(
        PredictionsError, match=r"needs the attributes \['race'\]; the predictions have \['sex', 'hand'"
    ):
        WorstGroupAUROC(["sex", "race"]).evaluate(two_attributes())
