"""How often 95 % intervals hold the truth, on drawn data whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from monai_fairtune.metrics import Resampling, Threshold, Value, assess
from monai_fairtune.metrics.estimate import AUROCEstimate
from monai_fairtune.metrics.extremes import difference_interval
from monai_fairtune.metrics.placements import Placements
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import Subgroups

_HALF = Threshold(0.5, "given", "fixed")


def draw(
    seed: int | tuple[int, int], n_positive: int, n_negative: int, separation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns labels and normal scores; positives score higher by ``separation`` standard deviations."""
    rng = np.random.default_rng((*((seed,) if isinstance(seed, int) else seed), 29))
    labels = np.repeat([1, 0], [n_positive, n_negative])
    return labels, rng.normal(size=len(labels)) + separation * labels


def auroc_coverage(n_positive: int, n_negative: int, separation: float) -> float:
    """Returns how often the interval of an AUROC holds the truth, images being of as many patients."""
    truth, held, n_draws = float(norm.cdf(separation / math.sqrt(2))), 0, 600
    sizes = n_positive, n_negative
    for seed in range(n_draws):
        placed = Placements.of(*draw(seed, *sizes, separation))
        estimate = AUROCEstimate(placed.auroc, math.sqrt(placed.covariance()), min(sizes), *sizes, *sizes)
        low, high = estimate.limits(0.025)
        held += low <= truth <= high
    return held / n_draws


@pytest.mark.parametrize(
    ("n_positive", "n_negative", "separation"), [(300, 300, 1.2), (100, 100, 2.5), (10, 300, 0.5), (10, 10, 2.5)]
)
def test_the_interval_of_an_auroc_holds_the_truth(n_positive: int, n_negative: int, separation: float) -> None:
    assert 0.93 <= auroc_coverage(n_positive, n_negative, separation) <= 0.99


@pytest.mark.parametrize(("n_positive", "n_negative"), [(300, 10), (10, 300)])
def test_the_interval_of_a_high_auroc_holds_the_truth_with_ten_images_of_one_class(
    n_positive: int, n_negative: int
) -> None:
    assert auroc_coverage(n_positive, n_negative, 2.5) >= 0.93


def holds(value: Value, truth: float) -> bool:
    assert value.low is not None
    assert value.high is not None
    return value.low - 1e-12 <= truth <= value.high + 1e-12


def sensitivity_coverage(n_positive: int, n_negative: int) -> float:
    """Returns how often the interval of the TPR at a specificity of 90 % holds that of the population."""
    truth, n_draws = float(norm.cdf(2.5 - norm.ppf(0.9))), 120
    held = 0
    for seed in range(n_draws):
        labels, scores = draw(seed, n_positive, n_negative, 2.5)
        predictions = Predictions(labels, scores, kind="logit", subgroups={})
        overall = assess(predictions, _HALF, resampling=Resampling(300, n_threads=1)).overall
        held += holds(overall["tpr_at_specificity_90"], truth)
    return held / n_draws


def test_the_interval_of_the_tpr_at_a_specificity_holds_that_of_the_population() -> None:
    assert sensitivity_coverage(100, 100) >= 0.92


def test_the_interval_of_the_tpr_at_a_specificity_has_a_caution_where_it_is_too_short() -> None:
    assert sensitivity_coverage(300, 10) < 0.9
    for n_negative, cautioned in ((10, True), (49, True), (50, False)):
        labels, scores = draw(0, 100, n_negative, 2.5)
        predictions = Predictions(labels, scores, kind="logit", subgroups={})
        found = assess(predictions, _HALF, resampling=Resampling(100)).overall["tpr_at_specificity_90"]
        assert ("caution" in found.extra) is cautioned


def gap_held(separations: tuple[float, float]) -> tuple[float, float]:
    """Returns how often the interval of the gap of two subgroups holds the truth, and how often it is open."""
    truth, n_draws, sizes = float(np.ptp(norm.cdf(np.array(separations) / math.sqrt(2)))), 400, (60, 90)
    held = n_open = 0
    for seed in range(n_draws):
        placed = [Placements.of(*draw((seed, k), *sizes, shift)) for k, shift in enumerate(separations)]
        low, high, is_open = difference_interval(
            [AUROCEstimate(part.auroc, math.sqrt(part.covariance()), min(sizes), *sizes, *sizes) for part in placed]
        )
        held, n_open = held + (low - 1e-12 <= truth <= high), n_open + is_open
    return held / n_draws, n_open / n_draws


def test_the_interval_of_a_gap_is_open_where_it_holds_the_truth_too_often() -> None:
    (tied, _), (near, n_near), (apart, n_apart) = map(gap_held, ((1.5, 1.5), (1.4, 1.6), (0.6, 2.2)))
    assert max(tied, apart) < 0.97 < near
    assert n_near > 0.6
    assert n_apart < 0.05


def test_an_interval_has_a_caution_where_it_is_too_wide_and_none_where_it_is_not() -> None:
    for separation, n, on_gap, on_auroc in ((1.2, 40, True, False), (3.5, 60, False, False), (1.2, 19, True, True)):
        parts = [draw((0, k), n, n, shift) for k, shift in enumerate((1.0, separation))]
        labels, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
        groups = {"site": Subgroups("site", ("a", "b"), np.repeat([0, 1], 2 * n))}
        found = assess(Predictions(labels, scores, kind="logit", subgroups=groups), _HALF, resampling=Resampling(100))
        gap, auroc = found.attributes["site"].auroc_gap, found.attributes["site"].subgroups["a"].values["auroc"]
        assert ("leave open" in str(gap.extra.get("caution"))) is on_gap
        assert ("so few patients" in str(auroc.extra.get("caution"))) is on_auroc


def test_an_extreme_of_few_patients_has_a_caution_also_where_the_data_settle_which_it_is() -> None:
    for n, cautioned in ((19, True), (20, False)):
        parts = [draw((0, k), n, n, shift) for k, shift in enumerate((0.0, 3.5))]
        labels, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
        groups = {"site": Subgroups("site", ("a", "b"), np.repeat([0, 1], 2 * n))}
        found = assess(Predictions(labels, scores, kind="logit", subgroups=groups), _HALF, resampling=Resampling(100))
        caution = str(found.attributes["site"].auroc_gap.extra.get("caution"))
        assert ("so few patients" in caution) is cautioned
        assert "leave open" not in caution


def test_without_a_gap_the_intervals_of_the_extremes_hold_the_truth() -> None:
    """Four subgroups of one AUROC, patients with two images: where plain percentile intervals always miss the gap."""
    truth, n_draws, site = float(norm.cdf(1.2 / math.sqrt(2))), 80, np.repeat(np.arange(4), 120)
    held = dict.fromkeys(("worst_group_auroc", "best_group_auroc", "auroc_gap", "equalized_odds_difference"), 0)
    for seed in range(n_draws):
        rng = np.random.default_rng((seed, 31))
        patients = np.arange(480) // 2
        labels = patients % 2
        shared = rng.normal(size=240)[patients] * math.sqrt(0.5)
        scores = shared + rng.normal(size=480) * math.sqrt(0.5) + 1.2 * labels - 0.6
        groups = {"site": Subgroups("site", ("a", "b", "c", "d"), site)}
        predictions = Predictions(labels, scores, kind="logit", subgroups=groups, patient_ids=patients)
        found = assess(predictions, _HALF, resampling=Resampling(200, 100, n_threads=1)).attributes["site"].comparisons
        for name in held:
            held[name] += holds(found[name], truth if name.endswith("group_auroc") else 0.0)
    assert min(held.values()) >= 0.9 * n_draws, held
