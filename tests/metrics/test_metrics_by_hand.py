"""Numbers that can be worked out with a pencil.

Two subgroups of ten images, threshold 0.5::

                 negatives                      positives
    female       0.1 0.2 0.3 0.4 0.6 0.6        0.4 0.7 0.8 0.9
    male         0.1 0.1 0.2 0.2 0.7            0.2 0.6 0.6 0.9 0.9
"""

from __future__ import annotations

import json
import math

import pytest

from monai_fairtune.exceptions import ConfigurationError, PredictionsError, UndefinedMetricError
from monai_fairtune.metrics import (
    Assessment,
    Threshold,
    Value,
    accuracy,
    assess,
    auroc,
    brier_score,
    expected_calibration_error,
    false_positive_rate,
    largest,
    log_loss,
    positive_rate,
    smallest,
    true_positive_rate,
)
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

_FEMALE = [0.1, 0.2, 0.3, 0.4, 0.6, 0.6, 0.4, 0.7, 0.8, 0.9]
_MALE = [0.1, 0.1, 0.2, 0.2, 0.7, 0.2, 0.6, 0.6, 0.9, 0.9]
# Pairs won, ties counting one half: a positive of 0.4 beats 3 negatives and ties with 1, the others beat all 6.
_FEMALE_AUROC = (3.5 + 6 + 6 + 6) / 24
# 0.2 beats 2 and ties with 2; each 0.6 beats 4; each 0.9 beats 5.
_MALE_AUROC = (3 + 4 + 4 + 5 + 5) / 25


@pytest.fixture
def report() -> Assessment:
    labels = [0] * 6 + [1] * 4 + [0] * 5 + [1] * 5
    sex = Subgroups("sex", ("female", "male"), [0] * 10 + [1] * 10)
    patients = [f"f{i // 2}" for i in range(10)] + [f"m{i}" for i in range(10)]
    predictions = Predictions(labels, _FEMALE + _MALE, kind="probability", subgroups={"sex": sex}, patient_ids=patients)
    return assess(predictions, Threshold(0.5, "given", "fixed"), min_per_class=4)


def test_counts(report: Assessment) -> None:
    assert (report.n, report.n_patients, report.prevalence) == (20, 15, 0.45)
    female = report.attributes["sex"].subgroups["female"]
    assert (female.n, female.n_positive, female.n_patients) == (10, 4, 5)
    assert report.attributes["sex"].n_missing == 0


@pytest.mark.parametrize(
    ("subgroup", "metric", "expected"),
    [
        ("female", "auroc", _FEMALE_AUROC),
        ("male", "auroc", _MALE_AUROC),
        ("female", "tpr", 3 / 4),
        ("male", "tpr", 4 / 5),
        ("female", "fpr", 2 / 6),
        ("male", "fpr", 1 / 5),
        ("female", "accuracy", 7 / 10),
        ("male", "accuracy", 8 / 10),
        ("female", "positive_rate", 5 / 10),
        ("male", "positive_rate", 5 / 10),
        ("female", "brier", (0.01 + 0.04 + 0.09 + 0.16 + 2 * 0.36 + 0.36 + 0.09 + 0.04 + 0.01) / 10),
        ("male", "log_loss", -math.log(0.9**2 * 0.8**2 * 0.3 * 0.2 * 0.6**2 * 0.9**2) / 10),
    ],
)
def test_each_subgroup(report: Assessment, subgroup: str, metric: str, expected: float) -> None:
    value = report.attributes["sex"].subgroups[subgroup].values[metric].value
    assert value == pytest.approx(expected, abs=1e-12)


def test_comparisons(report: Assessment) -> None:
    sex = report.attributes["sex"].comparisons
    overall = report.overall["auroc"].require()
    expected = {
        "worst_group_auroc": _MALE_AUROC,
        "best_group_auroc": _FEMALE_AUROC,
        "auroc_gap": _FEMALE_AUROC - _MALE_AUROC,
        "worst_group_accuracy": 0.7,
        "accuracy_gap": 0.1,
        "equalized_odds_difference": 2 / 6 - 1 / 5,
        "equalized_odds_ratio": (1 / 5) / (2 / 6),
        "demographic_parity_difference": 0.0,
        "demographic_parity_ratio": 1.0,
        "equal_opportunity_difference": 0.05,
        "equity_scaled_auroc": overall / (1 + abs(overall - _FEMALE_AUROC) + abs(overall - _MALE_AUROC)),
        "distance_to_optimal": math.sqrt((1 - _FEMALE_AUROC) ** 2 + (1 - _MALE_AUROC) ** 2),
    }
    assert {name: sex[name].value for name in expected} == pytest.approx(expected, abs=1e-12)
    assert sex["worst_group_auroc"].extra == {"subgroup": "male"}
    assert sex["best_group_auroc"].extra == {"subgroup": "female"}
    assert sex["worst_group_accuracy"].extra == {"subgroup": "female"}


def test_the_largest_subgroup_loss_is_a_subgroups_mean_and_names_it(report: Assessment) -> None:
    sex = report.attributes["sex"]
    losses = {name: subgroup.values["log_loss"].require() for name, subgroup in sex.subgroups.items()}
    assert sex.comparisons["largest_subgroup_loss"].value == max(losses.values())
    assert sex.comparisons["largest_subgroup_loss"].extra == {"subgroup": max(losses, key=lambda name: losses[name])}


def test_the_report_has_the_keys_that_outsiders_rely_on(report: Assessment) -> None:
    plain = report.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert set(plain) >= {"schema", "n", "n_patients", "prevalence", "overall", "threshold", "attributes"}
    assert plain["schema"] == 1
    assert plain["threshold"] == {"value": 0.5, "chosen_on": "given", "rule": "fixed"}
    sex = report.attributes["sex"].to_dict()
    assert set(sex) >= {
        "n_missing", "minimum_detectable_gap", "subgroups", "worst_group_auroc", "auroc_gap", "distance_to_optimal",
        "equalized_odds_difference", "equalized_odds_ratio", "demographic_parity_difference", "equity_scaled_auroc",
        "demographic_parity_ratio", "equal_opportunity_difference", "largest_subgroup_loss", "best_group_auroc",
    }  # fmt: skip
    assert isinstance(sex["minimum_detectable_gap"], float)
    female = report.attributes["sex"].subgroups["female"].to_dict()
    assert set(female) >= {"n", "n_positive", "n_patients", "auroc", "tpr", "fpr", "ece"}
    assert female["tpr"] == {"value": 0.75, "low": None, "high": None}
    assert sex["worst_group_auroc"] == {"value": _MALE_AUROC, "low": None, "high": None, "subgroup": "male"}


def test_a_score_on_the_threshold_is_called_positive() -> None:
    predictions = Predictions([0, 1], [0.5, 0.5], kind="probability", subgroups={})
    assert assess(predictions, Threshold(0.5, "given", "fixed")).overall["positive_rate"].value == 1.0


def test_calibration_error_weighs_each_bin_by_its_images() -> None:
    # Two of the 15 bins are filled: three images at 0.10 with one positive, one at 0.90 that is negative.
    error = expected_calibration_error([1, 0, 0, 0], [0.1, 0.1, 0.1, 0.9])
    assert error == pytest.approx(3 / 4 * abs(1 / 3 - 0.1) + 1 / 4 * 0.9, abs=1e-12)


def test_calibration_bins_are_open_below_and_closed_above() -> None:
    assert expected_calibration_error([1, 0], [0.5, 0.4], n_bins=2) == pytest.approx(0.05, abs=1e-12)
    assert expected_calibration_error([1, 0], [0.5, 0.6], n_bins=2) == pytest.approx((0.5 + 0.6) / 2, abs=1e-12)
    assert expected_calibration_error([0, 1], [0.0, 1.0]) == 0.0


def test_auroc_of_two_images_is_won_tied_or_lost() -> None:
    assert [auroc([0, 1], scores) for scores in ([1, 2], [1, 1], [2, 1])] == [1.0, 0.5, 0.0]


def test_log_loss_of_logits_does_not_saturate() -> None:
    assert log_loss([1, 0], [1000.0, -1000.0], kind="logit") == 0.0
    assert log_loss([0, 1], [1000.0, -1000.0], kind="logit") == 1000.0
    assert log_loss([1], [40.0], kind="logit") == pytest.approx(math.exp(-40), rel=1e-12)


def test_log_loss_of_a_probability_that_rules_out_its_label_is_undefined_and_not_clipped() -> None:
    with pytest.raises(UndefinedMetricError, match="infinite: 1 of 2 samples have a probability of 0 for their own"):
        log_loss([1, 0], [0.0, 0.5], kind="probability")
    with pytest.raises(UndefinedMetricError, match="infinite: 1 of 2"):
        log_loss([1, 0], [0.5, 1.0], kind="probability")
    assert log_loss([1, 0], [1.0, 0.0], kind="probability") == 0.0


@pytest.mark.parametrize("metric", [accuracy, positive_rate, true_positive_rate, false_positive_rate, brier_score])
def test_no_samples_have_no_value(metric: object) -> None:
    with pytest.raises(UndefinedMetricError, match="undefined"):
        metric([], [])  # type: ignore[operator]
    with pytest.raises(UndefinedMetricError, match="undefined"):
        expected_calibration_error([], [])


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1], [0.5], "Give two vectors of one length"),
        ([[0, 1]], [[0.5, 0.5]], "Give two vectors of one length"),
        ([0, 2], [0.5, 0.5], r"Labels hold \[0, 2\]. Give 0 or 1"),
        ([0, 1], [0.5, float("nan")], "1 of 2 .* are not finite"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_every_metric(
    labels: list[int], scores: list[float], message: str
) -> None:
    for metric in (auroc, brier_score, expected_calibration_error, accuracy, true_positive_rate, positive_rate):
        with pytest.raises(PredictionsError, match=message):
            metric(labels, scores)
    with pytest.raises(PredictionsError, match=message):
        log_loss(labels, scores, kind="logit")


def test_continuous_scores_are_refused_where_decisions_are_needed() -> None:
    with pytest.raises(PredictionsError, match="apply a threshold first"):
        positive_rate([0, 1], [0.2, 0.7])


def test_an_undeclared_kind_of_score_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="declared as 'score'"):
        log_loss([0, 1], [0.2, 0.7], kind="score")  # type: ignore[arg-type]


def test_of_values_that_tie_but_for_their_last_digits_the_first_is_named() -> None:
    a, b = 0.1 + 0.2, 0.3
    assert a > b
    assert smallest({"a": Value(a), "b": Value(b)}).extra == {"subgroup": "a"}
    assert largest({"b": Value(b), "a": Value(a)}).extra == {"subgroup": "b"}
    assert smallest({"a": Value(0.3 + 1e-9), "b": Value(b)}).extra == {"subgroup": "b"}
