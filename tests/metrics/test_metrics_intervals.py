"""Intervals: each number's own shape, against references, and where they must lie."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from monai_fairtune.metrics import Assessment, Resampling, Threshold, Value, assess
from monai_fairtune.metrics.estimate import (
    AUROCEstimate,
    LogEstimate,
    MeanEstimate,
    RateEstimate,
    RealEstimate,
    ScaledEstimate,
)
from monai_fairtune.metrics.extremes import difference_interval, largest_interval_of, ratio_interval, smallest_interval
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups
from monai_fairtune.testing.random_predictions import random_predictions

_HALF = Threshold(0.5, "given", "fixed")
_MANY = 10**9  # patients: Student's t is then the normal distribution


def rate(k: int, n: int, n_patients: int = _MANY) -> RateEstimate:
    """Returns ``k`` of ``n`` independent images, with the error that a bootstrap would find."""
    return RateEstimate(k / n, math.sqrt(k * (n - k) / n**3), n_patients, n, n)


@pytest.mark.parametrize("n", [1, 7, 40, 1000])
def test_the_interval_of_a_rate_is_scipys_wilson_interval(n: int) -> None:
    for k in {0, 1, n // 3, n // 2, n - 1, n}:
        theirs = binomtest(k, n).proportion_ci(0.95, method="wilson")
        assert rate(k, n).limits(0.025) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_rate_is_that_in_newcombes_table_of_1998(k: int, n: int, low: float, high: float) -> None:
    assert rate(k, n).limits(0.025) == pytest.approx((low, high), abs=5e-5)


def test_few_patients_widen_an_interval_by_students_t() -> None:
    wide, narrow = RealEstimate(0.0, 1.0, 5).limits(0.025), RealEstimate(0.0, 1.0, _MANY).limits(0.025)
    assert wide == pytest.approx((-2.7764451, 2.7764451), abs=1e-6)  # t with 4 degrees of freedom
    assert narrow == pytest.approx((-1.9599640, 1.9599640), abs=1e-6)


def test_images_that_say_the_same_count_as_fewer_and_never_as_more_than_there_are() -> None:
    independent = rate(30, 100).limits(0.025)
    clustered = RateEstimate(0.3, math.sqrt(5 * 0.21 / 100), _MANY, 100, 20).limits(0.025)
    theirs = binomtest(6, 20).proportion_ci(0.95, method="wilson")
    assert clustered == pytest.approx((theirs.low, theirs.high), abs=1e-6)
    assert RateEstimate(0.3, 1e-6, _MANY, 100, 20).limits(0.025) == pytest.approx(independent, abs=1e-6)


def test_where_all_or_none_count_each_patient_counts_as_one_image() -> None:
    for k in (0, 100):
        theirs = binomtest(k // 5, 20).proportion_ci(0.95, method="wilson")
        low, high = RateEstimate(k / 100, 0.0, _MANY, 100, 20).limits(0.025)
        assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_numbers_per_1000_and_losses_scale_as_their_parts_do() -> None:
    low, high = rate(30, 100).limits(0.025)
    scaled = ScaledEstimate(300.0, 45.8, _MANY, rate(30, 100), 1000.0)
    assert scaled.limits(0.025) == pytest.approx((1000 * low, 1000 * high))
    low, high = LogEstimate(0.5, 0.1, _MANY).limits(0.025)
    assert (low * high, high) == pytest.approx((0.25, 0.5 * math.exp(norm.isf(0.025) * 0.2)))


def newcombe(auroc: float, m: int, n: int) -> float:
    """Returns Newcombe's variance, method 5: Hanley and McNeil's with the mean class size for both."""
    star = (m + n) / 2 - 1
    return auroc * (1 - auroc) * (1 + star * (1 - auroc) / (2 - auroc) + star * auroc / (1 + auroc)) / (m * n)


@pytest.mark.parametrize(("auroc", "m", "n"), [(0.8, 30, 50), (0.55, 10, 200), (0.97, 12, 9), (0.2, 30, 30)])
def test_the_limits_of_an_auroc_are_the_values_just_contradicted(auroc: float, m: int, n: int) -> None:
    error = math.sqrt(newcombe(auroc, m, n))
    low, high = AUROCEstimate(auroc, error, _MANY, m, n, m, n).limits(0.025)
    for limit in (low, high):
        reach = 1.959963984540054 * math.sqrt(newcombe(limit, m, n))
        assert abs(auroc - limit) == pytest.approx(reach, abs=1e-8)
    wider = AUROCEstimate(auroc, 2 * error, _MANY, m, n, m, n).limits(0.025)
    assert wider[0] < low < auroc < high < wider[1]


def ranked(n: int, *, right: bool, images_per_patient: int = 1) -> Assessment:
    """Returns the assessment of a model that ranks all pairs right, or none."""
    labels = np.array([0, 1]).repeat(n)
    patients = np.arange(2 * n) // images_per_patient
    predictions = Predictions(
        labels, (2 * labels - 1) * (1 if right else -1), kind="logit", subgroups={}, patient_ids=patients
    )
    return assess(predictions, _HALF, resampling=Resampling(200))


def limits(value: Value) -> tuple[float, float]:
    assert value.low is not None
    assert value.high is not None
    return value.low, value.high


@pytest.mark.parametrize("images_per_patient", [1, 4])
def test_an_auroc_of_1_or_0_has_an_interval_that_does_not_vanish(images_per_patient: int) -> None:
    low, high = limits(ranked(40, right=True, images_per_patient=images_per_patient).overall["auroc"])
    assert (high, 0.7 < low < 1) == (1.0, True)
    assert low < limits(ranked(400, right=True, images_per_patient=images_per_patient).overall["auroc"])[0] < 1
    mirrored = limits(ranked(40, right=False, images_per_patient=images_per_patient).overall["auroc"])
    assert mirrored == pytest.approx((0.0, 1 - low), abs=1e-9)


def test_rates_of_0_and_1_have_intervals_that_do_not_vanish() -> None:
    perfect = ranked(40, right=True).overall
    for name in ("accuracy", "balanced_accuracy", "tpr", "tnr", "ppv", "npv", "tpr_at_specificity_90"):
        low, high = limits(perfect[name])
        assert (high, 0.85 < low < 1) == (1.0, True)
    for name in ("fpr", "fnr", "underdiagnosis_rate", "overdiagnosis_rate"):
        low, high = limits(perfect[name])
        assert (low, 0 < high < 0.15) == (0.0, True)
    low, high = limits(perfect["fn_per_1000"])
    assert (low, 0 < high < 100) == (0.0, True)


def test_the_mean_of_two_rates_has_the_limits_of_both_put_together() -> None:
    parts = [binomtest(k, n).proportion_ci(0.95, method="wilson") for k, n in ((9, 10), (285, 300))]
    below = math.sqrt((0.9 - parts[0].low) ** 2 + (0.95 - parts[1].low) ** 2) / 2
    above = math.sqrt((parts[0].high - 0.9) ** 2 + (parts[1].high - 0.95) ** 2) / 2
    found = MeanEstimate(0.925, 0.1, 10, rate(9, 10), rate(285, 300)).limits(0.025)
    assert found == pytest.approx((0.925 - below, 0.925 + above), abs=1e-6)
    assert MeanEstimate(1.0, 0.0, 10, rate(10, 10), rate(300, 300)).limits(0.025)[1] == 1.0


def test_scores_that_separate_the_classes_leave_an_intercept_with_its_interval_and_no_slope() -> None:
    overall = ranked(40, right=True).overall
    low, high = limits(overall["calibration_intercept"])
    assert low <= overall["calibration_intercept"].require() <= high
    assert overall["calibration_slope"].value is None


@pytest.mark.parametrize(("n_positive", "images"), [(10, 1), (20, 1), (20, 3)])
def test_the_interval_of_balanced_accuracy_covers_where_one_class_is_small(n_positive: int, images: int) -> None:
    n, n_held = n_positive + 300, 0
    labels = (np.arange(n) < n_positive).astype(int)
    patients = np.repeat(np.arange(n), images)  # images of one patient are alike
    for seed in range(100):
        right = np.random.default_rng(seed).random(n) < np.where(labels == 1, 0.9, 0.95)
        scores = np.where(right, 1, -1) * (2 * labels - 1)
        predictions = Predictions(
            labels[patients], scores[patients], kind="logit", subgroups={}, patient_ids=patients.astype(str)
        )
        low, high = limits(assess(predictions, _HALF, resampling=Resampling(200)).overall["balanced_accuracy"])
        n_held += low <= 0.925 <= high
    assert n_held >= 90


def test_the_bootstraps_intervals_of_rates_are_wilsons_where_images_are_independent() -> None:
    predictions = random_predictions(4, n=4000)
    overall = assess(predictions, _HALF, resampling=Resampling(4000, 100)).overall
    decided, labels = predictions.probabilities >= 0.5, predictions.labels == 1
    for name, hit, taken in [
        ("accuracy", decided == labels, np.ones(4000, dtype=bool)),
        ("tpr", decided & labels, labels),
        ("fpr", decided & ~labels, ~labels),
        ("ppv", labels & decided, decided),
        ("npv", ~labels & ~decided, ~decided),
        ("positive_rate", decided, np.ones(4000, dtype=bool)),
    ]:
        theirs = binomtest(int(hit.sum()), int(taken.sum())).proportion_ci(0.95, method="wilson")
        width = theirs.high - theirs.low
        # 4000 replicates know a standard error to some 1 %; half a width is two of them.
        assert limits(overall[name]) == pytest.approx((theirs.low, theirs.high), abs=0.03 * width), name


def test_an_extreme_of_one_estimate_is_that_estimate_and_mirrors() -> None:
    estimates = [rate(30, 100), rate(45, 100), rate(80, 200)]
    assert largest_interval_of(estimates[:1])[1] == pytest.approx(estimates[0].limits(0.025)[1])
    mirrored = [rate(70, 100), rate(55, 100), rate(120, 200)]
    low, high, is_open = largest_interval_of(estimates)
    assert smallest_interval(mirrored)[:2] == pytest.approx((1 - high, 1 - low), abs=1e-9)
    assert smallest_interval(mirrored).is_open is is_open


def test_a_gap_that_is_plain_to_see_has_an_interval_away_from_0_and_a_tie_one_that_reaches_it() -> None:
    low, high, _ = difference_interval([rate(200, 1000), rate(600, 1000)])
    assert 0.3 < low < 0.4 < high < 0.5
    assert difference_interval([rate(300, 1000), rate(300, 1000), rate(300, 1000)])[0] == 0.0
    below, above, _ = ratio_interval([rate(200, 1000), rate(600, 1000)])
    assert 0.25 < below < 1 / 3 < above < 0.45
    assert ratio_interval([rate(0, 1000), rate(600, 1000)])[0] == 0.0


def test_an_interval_is_open_until_the_data_settle_which_subgroup_is_the_extreme_one() -> None:
    near, apart = [rate(300, 1000), rate(310, 1000)], [rate(300, 1000), rate(400, 1000)]
    for interval in (smallest_interval, largest_interval_of, difference_interval, ratio_interval):
        assert interval(near).is_open
        assert not interval(apart).is_open
        assert (interval(near).caution is None, interval(apart).caution is None) == (False, True)
    assert not smallest_interval([rate(200, 1000), *near]).is_open
    assert not largest_interval_of([*near, rate(400, 1000)]).is_open
    assert difference_interval([rate(200, 1000), *near]).is_open


def test_a_replicate_that_is_often_undefined_costs_the_interval_and_says_so() -> None:
    labels = np.array([0] * 30 + [1] * 2 + [0, 1] * 20)
    site = Subgroups("site", ("a", "b"), np.array([0] * 32 + [1] * 40))
    scores = np.random.default_rng(0).normal(size=72) + labels
    predictions = Predictions(labels, scores, kind="logit", subgroups={"site": site})
    found = assess(predictions, _HALF, min_per_class=1, resampling=Resampling(400, 100)).attributes["site"]
    tpr, gap = found.subgroups["a"].values["tpr"], found.comparisons["equal_opportunity_difference"]
    for value in (tpr, gap):
        assert value.value is not None
        assert value.low is None
        assert value.extra["undefined_replicates"] == pytest.approx((30 / 32) ** 32, abs=0.06)
        assert "of replicates do not define the value" in str(value.extra["no_interval"])
    assert found.subgroups["b"].values["tpr"].low is not None
