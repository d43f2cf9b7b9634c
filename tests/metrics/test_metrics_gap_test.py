"""The test of AUROC gaps: its level, its power, and its p-values against enumeration and hand counts."""

from __future__ import annotations

import importlib
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, kstest

from monai_fairtune.metrics import Resampling, Threshold, assess
from monai_fairtune.metrics.gap_test import GapTest, gap_test, holm
from monai_fairtune.testing.random_predictions import random_predictions

_module = importlib.import_module("monai_fairtune.metrics.gap_test")
_Rows = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


def patients(
    seed: int, n: int, shares: tuple[float, ...], *, images: int = 1, shift: float = 0.0, spread: float = 1.0
) -> _Rows:
    """Returns labels, scores, patients and subgroups; AUROCs are equal but for the last subgroup's ``shift``.

    Args:
        seed: of the draw.
        n: patients.
        shares: of the subgroups.
        images: of each patient, which are alike.
        shift: by how much less the last subgroup's positives score.
        spread: of the last subgroup's scores; it changes no AUROC.
    """
    rng = np.random.default_rng((seed, 19))
    codes = np.sort(rng.choice(len(shares), size=n, p=shares))
    labels = np.arange(n) % 2
    last = codes == len(shares) - 1
    scores = rng.normal(size=n) + labels * np.where(last, 1.2 - shift, 1.2)
    scores = np.where(last, spread, 1.0) * (scores - 0.6)
    rows = np.repeat(np.arange(n), images)
    noise = 0.3 * rng.normal(size=len(rows)) if images > 1 else 0.0
    return labels[rows], scores[rows] + noise, rows, codes[rows]


def examined(rows: _Rows, seed: int = 0, n_permutations: int = 199) -> GapTest:
    names = "abcdefgh"[: int(rows[3].max()) + 1]
    return gap_test(*rows, tuple(names), Resampling(100, n_permutations, seed=seed, n_threads=1))


@pytest.mark.parametrize(
    ("shares", "options"),
    [
        ((0.5, 0.5), {}),
        ((0.6, 0.25, 0.15), {}),
        ((0.5, 0.5), {"images": 4}),
        ((0.7, 0.3), {"spread": 4.0}),
    ],
)
def test_without_a_gap_the_p_value_is_uniform(shares: tuple[float, ...], options: dict[str, Any]) -> None:
    p_values = [examined(patients(seed, 100, shares, **options), seed).p_value for seed in range(200)]
    low, high = binom.ppf([0.001, 0.999], 200, 0.05)
    assert low <= np.sum(np.array(p_values) <= 0.05) <= high
    assert kstest(p_values, "uniform").pvalue > 0.001


def test_a_planted_gap_is_found_and_blamed_on_the_subgroup_that_has_it() -> None:
    for seed in range(10):
        found = examined(patients(seed, 600, (0.4, 0.3, 0.3), shift=1.0), seed)
        assert found.p_value <= 0.01
        p_values = {pair.subgroups: pair.p_max_t for pair in found.pairs}
        assert p_values["a", "c"] <= 0.02
        assert p_values["b", "c"] <= 0.02
        assert p_values["a", "b"] > 0.03


def test_images_of_one_patient_are_no_evidence_of_their_own() -> None:
    once = patients(3, 100, (0.5, 0.5), shift=0.6)
    labels, scores, rows, codes = (np.repeat(part, 6) for part in once)
    copies = examined((labels, scores, rows, codes), n_permutations=2000)
    single = examined(once, n_permutations=2000)
    assert copies.p_value == pytest.approx(single.p_value, abs=1e-12)
    assert copies.null_mean == pytest.approx(single.null_mean, abs=1e-12)
    as_patients = examined((labels, scores, np.arange(600), codes), n_permutations=2000)
    assert as_patients.p_value < single.p_value / 2


def statistic(labels: NDArray[np.int64], scores: NDArray[np.float64], codes: NDArray[np.int64]) -> tuple[float, float]:
    """Returns the difference of two subgroups' AUROCs, and in standard errors, by comparing every pair."""
    aurocs, variance = [], 0.0
    for code in (0, 1):
        y, s = labels[codes == code], scores[codes == code]
        wins = np.array([[float(h > low) + 0.5 * float(h == low) for low in s[y == 0]] for h in s[y == 1]])
        aurocs.append(wins.mean())
        variance += sum(
            float(np.square(wins.mean(axis=k) - wins.mean()).sum()) / wins.shape[1 - k] ** 2 for k in (0, 1)
        )
    gap = abs(aurocs[0] - aurocs[1])
    return gap, gap / np.sqrt(variance) if gap > 1e-12 else 0.0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_p_value_is_that_of_all_permutations_which_keep_the_class_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.array([0] * 6 + [1] * 6)
    scores = np.round(rng.normal(size=12) + labels, 1)
    codes = np.array([0, 0, 0, 1, 1, 1] * 2)
    chance = []
    for negatives in combinations(range(6), 3):
        for positives in combinations(range(6, 12), 3):
            drawn = np.ones(12, dtype=np.int64)
            drawn[[*negatives, *positives]] = 0
            with np.errstate(divide="ignore"):
                chance.append(statistic(labels, scores, drawn))
    gaps, statistics = np.array(chance).T
    with np.errstate(divide="ignore"):
        observed = statistic(labels, scores, codes)[1]
    exact = float(np.mean(statistics >= observed - 1e-9))
    found = examined((labels, scores, np.arange(12), codes), n_permutations=20000)
    error = np.sqrt(exact * (1 - exact) / 20000)
    assert found.p_value == pytest.approx(exact, abs=5 * error + 1e-4)
    assert found.null_mean == pytest.approx(gaps.mean(), abs=5 * gaps.std() / np.sqrt(20000))
    assert found.null_high == pytest.approx(np.quantile(np.repeat(gaps, 50), 0.95), abs=0.04)


def test_every_permutation_keeps_the_counts_of_each_class_and_of_patients(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    measure = _module._Images.measure

    def recording(images: Any, codes: NDArray[np.int64]) -> Any:
        seen.append(codes)
        return measure(images, codes)

    monkeypatch.setattr(_module._Images, "measure", recording)
    labels, scores, rows, codes = patients(0, 120, (0.6, 0.3, 0.1), images=3)
    labels = np.where(rows % 10 == 0, np.arange(len(rows)) % 2, labels)  # some patients have images of both classes
    examined((labels, scores, rows, codes))
    drawn = np.concatenate(seen)
    assert len(drawn) == 199
    assert (drawn != codes).any(axis=1).all()
    for name in range(3):
        assert ((drawn == name).sum(axis=1) == (codes == name).sum()).all()
        assert (((drawn == name) & (labels == 1)).sum(axis=1) == ((codes == name) & (labels == 1)).sum()).all()
    by_patient = drawn.reshape(199, 120, 3)
    assert (by_patient == by_patient[:, :, :1]).all()


@pytest.mark.parametrize(("seed", "shift"), [(0, 0.0), (1, 0.15), (2, 0.3)])
def test_the_limit_and_the_permutations_agree_on_4000_images(
    monkeypatch: pytest.MonkeyPatch, seed: int, shift: float
) -> None:
    rows = patients(seed, 2000, (0.5, 0.3, 0.2), images=2, shift=shift)
    permuted = examined(rows, n_permutations=2000)
    monkeypatch.setattr(_module, "_MOST_IMAGES", 100)
    limit = examined(rows)
    assert (permuted.method, limit.method) == ("permutation", "permutation limit")
    assert limit.p_value == pytest.approx(permuted.p_value, abs=0.03)
    assert limit.null_mean == pytest.approx(permuted.null_mean, rel=0.05)
    assert limit.null_high == pytest.approx(permuted.null_high, rel=0.08)
    for one, other in zip(limit.pairs, permuted.pairs, strict=True):
        assert one.p_value == pytest.approx(other.p_value, abs=0.04)
        assert one.p_max_t == pytest.approx(other.p_max_t, abs=0.04)


def test_above_5000_images_the_limit_is_taken() -> None:
    assert examined(patients(0, 5000, (0.5, 0.5)), n_permutations=100).method == "permutation"
    assert examined(patients(0, 5001, (0.5, 0.5)), n_permutations=100).method == "permutation limit"


def test_patients_in_several_subgroups_go_to_the_limit_which_knows_that_they_are_the_same() -> None:
    labels, scores, rows, _ = patients(0, 200, (0.5, 0.5))
    codes = np.array([0, 1]).repeat(200)
    twice = (np.tile(labels, 2), np.tile(scores, 2), np.tile(rows, 2), codes)
    alike = examined(twice)
    assert (alike.method, alike.p_value) == ("permutation limit", 1.0)
    assert alike.null_mean == pytest.approx(0, abs=1e-6)
    # A small loss in the very same images is clear, and would not be in those of other patients.
    worse = np.where((codes == 1) & (labels[twice[2]] == 1), twice[1] - 0.25, twice[1])
    paired = examined((twice[0], worse, twice[2], codes))
    unpaired = examined((twice[0], worse, np.arange(400), codes), n_permutations=2000)
    assert paired.p_value < 0.001
    assert unpaired.p_value > 0.1


@pytest.mark.parametrize(("n", "expected"), [(50, 0.13), (300, 0.05)])
def test_chance_shows_the_gap_that_the_documentation_says(n: int, expected: float) -> None:
    rng = np.random.default_rng(0)
    labels, codes = np.tile(np.arange(n) % 2, 4), np.arange(4).repeat(n)
    found = [
        examined((labels, rng.normal(size=4 * n) + 1.19 * labels, np.arange(4 * n), codes))  # AUROC 0.8
        for _ in range(40)
    ]
    assert np.mean([one.null_mean for one in found]) == pytest.approx(expected, abs=0.005)
    assert all(one.null_mean < one.null_high < 2.5 * one.null_mean for one in found)


def test_holms_adjustment_is_that_worked_by_hand() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )
    assert holm({0: 0.6, 1: 0.7}) == {0: 1.0, 1: 1.0}
    assert holm({}) == {}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holms_adjustment_is_the_smallest_level_at_which_the_steps_reject(p_values: list[float]) -> None:
    adjusted = holm(dict(enumerate(p_values)))
    ordered = sorted(p_values)
    for key, p in enumerate(p_values):
        steps = [(len(ordered) - rank) * q for rank, q in enumerate(ordered) if q <= p]
        assert adjusted[key] == pytest.approx(min(1.0, max(steps[: ordered.index(p) + 1])), abs=1e-12)
        assert adjusted[key] >= p


def test_adjusted_p_values_are_no_smaller_than_raw_ones_and_the_gaps_is_the_smallest_max_t() -> None:
    for seed in range(25):
        found = examined(patients(seed, 160, (0.4, 0.2, 0.2, 0.2), shift=0.4), seed)
        raw = np.array([pair.p_value for pair in found.pairs])
        max_t = np.array([pair.p_max_t for pair in found.pairs])
        expected = list(holm(dict(enumerate(raw.tolist()))).values())
        assert len(found.pairs) == 6
        assert ((raw > 0) & (raw <= 1)).all()
        assert (max_t >= raw).all()
        assert [pair.p_holm for pair in found.pairs] == pytest.approx(expected)
        assert found.p_value == max_t.min()


def test_an_assessment_carries_the_test_of_its_own_images() -> None:
    predictions = random_predictions(1, n=300, images_per_patient=2, by_patient=True)
    site = assess(predictions, Threshold(0.5, "given", "fixed"), resampling=Resampling(100, 300)).attributes["site"]
    codes, owners = predictions.subgroups["site"].codes, np.arange(300) // 2
    found = gap_test(predictions.labels, predictions.scores, owners, codes, ("a", "b", "c"), Resampling(100, 300))
    assert {key: site.auroc_gap.extra[key] for key in found.to_dict()} == found.to_dict()
    assert [pair.test for pair in site.pairs] == list(found.pairs)
