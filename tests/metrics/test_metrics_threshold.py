"""One operating point, chosen on validation."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.metrics import Threshold, choose_threshold
from monai_fairtune.predictions import Predictions


def split(labels: list[int], probabilities: list[float]) -> Predictions:
    return Predictions(labels, probabilities, kind="probability", subgroups={})


def youden(predictions: Predictions, threshold: float) -> float:
    called = predictions.probabilities >= threshold
    return float(called[predictions.labels == 1].mean() - called[predictions.labels == 0].mean())


def test_the_threshold_lies_halfway_between_the_neighbours_it_separates() -> None:
    chosen = choose_threshold(split([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.9]))
    assert chosen == Threshold(0.5, chosen_on="validation", rule="youden")


def test_of_equally_good_thresholds_the_lowest_is_taken() -> None:
    # Above 0.2 both positives are found at one false alarm of two; above 0.6 one of two without a false alarm.
    assert choose_threshold(split([0, 1, 0, 1], [0.1, 0.3, 0.5, 0.7])).value == pytest.approx(0.2)


def test_a_constant_predictor_calls_everything_positive() -> None:
    predictions = split([0, 1, 0], [0.3, 0.3, 0.3])
    assert choose_threshold(predictions).decide(predictions).all()


def test_the_last_digit_of_a_score_decides_nothing() -> None:
    labels, scores = [0, 0, 1, 1], np.array([0.1, 0.3, 0.7, 0.9])
    threshold = choose_threshold(split(labels, list(scores)))
    for nudge in (-1e-7, 1e-7):
        assert threshold.decide(split(labels, list(scores + nudge))).tolist() == [False, False, True, True]


@pytest.mark.parametrize("below", [0.5, float(np.nextafter(0.5, 0))])
def test_neighbours_without_a_number_between_them_are_still_separated(below: float) -> None:
    above = float(np.nextafter(below, 1))
    predictions = split([0, 1], [below, above])
    assert choose_threshold(predictions).decide(predictions).tolist() == [False, True]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=2, max_size=40))
def test_no_other_threshold_has_a_larger_index(rows: list[tuple[int, int]]) -> None:
    rows = [(0, 3), (1, 5), *rows]
    predictions = split([label for label, _ in rows], [score / 8 for _, score in rows])
    best = youden(predictions, choose_threshold(predictions).value)
    assert best >= max(youden(predictions, step / 16) for step in range(17)) - 1e-12


def test_logits_are_compared_as_probabilities() -> None:
    predictions = Predictions([0, 1], [-1.0, 1.0], kind="logit", subgroups={})
    assert choose_threshold(predictions).value == pytest.approx(0.5)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_a_split_of_one_class_offers_no_threshold(labels: list[int]) -> None:
    n_positive = sum(labels)
    message = f"No threshold can be chosen from {n_positive} positive and {2 - n_positive} negative samples"
    with pytest.raises(UndefinedMetricError, match=message):
        choose_threshold(split(labels, [0.1, 0.9]))


def test_a_threshold_is_never_chosen_on_test() -> None:
    with pytest.raises(ConfigurationError, match="Choose it on validation and carry it over"):
        choose_threshold(split([0, 1], [0.1, 0.9]), chosen_on="test")


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=re.escape("The threshold rule is 'f1'. Give 'youden'")):
        choose_threshold(split([0, 1], [0.1, 0.9]), rule="f1")


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_a_threshold_is_a_probability(value: float) -> None:
    with pytest.raises(ConfigurationError, match=r"Give a probability, in \[0, 1\]"):
        Threshold(value, "given", "fixed")
