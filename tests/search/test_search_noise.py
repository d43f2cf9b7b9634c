from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.search.noise import SeedNoise, shrunken_estimates

BY_HAND = SeedNoise([[0.80, 0.84], [0.70, 0.72, 0.74], [0.60]])


def simulate(
    rng: np.random.Generator, n_masks: int, sizes: int | list[int], between: float, within: float
) -> tuple[np.ndarray, list[list[float]]]:
    """True values and groups of values."""
    truth = 0.8 + between * rng.normal(size=n_masks)
    numbers = [sizes] * n_masks if isinstance(sizes, int) else sizes
    return truth, [
        [float(v) for v in mean + within * rng.normal(size=n)] for mean, n in zip(truth, numbers, strict=True)
    ]


def test_noise_by_hand() -> None:
    """Squares within: 2 * 0.02^2 + 2 * 0.02^2 = 0.0016, on 3 degrees of freedom."""
    noise = BY_HAND.between_seeds
    assert BY_HAND.degrees_of_freedom == 3
    assert noise.require() == pytest.approx(math.sqrt(0.0016 / 3))
    assert noise.low == pytest.approx(math.sqrt(0.0016 / 9.348404))  # chi-square, 3 degrees, 0.975 and 0.025
    assert noise.high == pytest.approx(math.sqrt(0.0016 / 0.2157953))


def test_differences_between_masks_by_hand() -> None:
    """Means 0.82, 0.72, 0.60 with 2, 3, 1 values; n0 = (6 - 14/6) / 2 = 11/6."""
    grand_mean = (2 * 0.82 + 3 * 0.72 + 0.60) / 6
    mean_square = (2 * (0.82 - grand_mean) ** 2 + 3 * (0.72 - grand_mean) ** 2 + (0.60 - grand_mean) ** 2) / 2
    variance = (mean_square - 0.0016 / 3) / (11 / 6)
    assert BY_HAND.between_masks.require() == pytest.approx(math.sqrt(variance))
    noises = [variance + 0.0016 / 3 / n for n in (2, 3, 1)]
    weighted = sum(mean / noise for mean, noise in zip((0.82, 0.72, 0.60), noises, strict=True)) / sum(
        1 / noise for noise in noises
    )
    expected = [
        weighted + variance / noise * (mean - weighted) for mean, noise in zip((0.82, 0.72, 0.60), noises, strict=True)
    ]
    assert BY_HAND.estimates == pytest.approx(expected)
    assert BY_HAND.optimism("maximize").require() == pytest.approx(0.82 - expected[0])
    assert BY_HAND.optimism("minimize").require() == pytest.approx(expected[2] - 0.60)


def test_the_variances_are_those_of_scipys_analysis_of_variance() -> None:
    rng = np.random.default_rng(1)
    _, groups = simulate(rng, 8, 4, 0.02, 0.01)
    noise = SeedNoise(groups)
    f, _ = stats.f_oneway(*groups)
    ratio = 1 + 4 * (noise.between_masks.require() / noise.between_seeds.require()) ** 2
    assert ratio == pytest.approx(f)


def test_two_masks_are_told_apart_where_scipys_t_test_does() -> None:
    rng = np.random.default_rng(2)
    verdicts = set()
    for _ in range(40):
        _, groups = simulate(rng, 2, 4, 0.01, 0.01)
        differs = stats.ttest_ind(*groups).pvalue <= 0.05
        verdicts.add(differs)
        assert SeedNoise(groups).not_told_apart(0, [1]) == ([] if differs else [1])
    assert verdicts == {True, False}


def test_the_interval_of_the_noise_covers_it_in_95_of_100_studies() -> None:
    rng = np.random.default_rng(3)
    intervals = [SeedNoise(simulate(rng, 6, [1, 1, 2, 2, 3, 3], 0.02, 0.01)[1]).between_seeds for _ in range(2000)]
    covered = np.mean([(one.low or 0.0) <= 0.01 <= (one.high or 0.0) for one in intervals])
    assert abs(covered - 0.95) < 0.015


def test_estimates_take_the_luck_out_of_the_best_value() -> None:
    rng = np.random.default_rng(4)
    raw, shrunken, lengths = [], [], []
    for _ in range(400):
        truth, groups = simulate(rng, 20, [1] * 12 + [2] * 4 + [3] * 4, 0.01, 0.01)
        noise = SeedNoise(groups)
        best = int(np.argmax(noise.means))
        raw.append(noise.means[best] - truth[best])
        shrunken.append(noise.estimates[best] - truth[best])
        lengths.append(noise.optimism("maximize").require())
    assert np.mean(raw) > 0.008, "the winner's curse"
    assert abs(np.mean(shrunken)) < 0.2 * np.mean(raw)
    assert np.mean(np.abs(shrunken)) < np.mean(np.abs(raw))
    assert np.mean(lengths) == pytest.approx(np.mean(raw), rel=0.2), "and the optimism says how large it is"


def test_the_best_estimate_is_truly_better_than_the_best_mean() -> None:
    rng = np.random.default_rng(5)
    gains = []
    for _ in range(600):
        truth, groups = simulate(rng, 30, [1] * 24 + [5] * 6, 0.01, 0.01)
        noise = SeedNoise(groups)
        gains.append(truth[int(np.argmax(noise.estimates))] - truth[int(np.argmax(noise.means))])
    assert np.mean(gains) > 3 * np.std(gains) / math.sqrt(len(gains))


def test_equal_masks_are_told_apart_in_5_of_100_studies_though_the_best_was_chosen() -> None:
    rng = np.random.default_rng(6)
    n_wrong = 0
    for _ in range(4000):
        noise = SeedNoise(simulate(rng, 8, 3, 0.0, 0.01)[1])
        best = int(np.argmax(noise.means))
        others = [place for place in range(8) if place != best]
        n_wrong += noise.not_told_apart(best, others) != others
    assert n_wrong / 4000 == pytest.approx(0.05, abs=0.012)


def test_many_masks_are_told_apart_by_the_difference_that_tukeys_test_asks_for() -> None:
    """SciPy's test needs equal numbers of values, so each mask has three."""
    rng = np.random.default_rng(9)
    n_apart = 0
    for _ in range(2):
        _, groups = simulate(rng, 6, 3, 0.02, 0.01)
        others = [place for place in range(1, 6) if stats.tukey_hsd(*groups).pvalue[0, place] > 0.05]
        assert SeedNoise(groups).not_told_apart(0, [1, 2, 3, 4, 5]) == others
        n_apart += 5 - len(others)
    assert 0 < n_apart < 10


def test_masks_far_apart_are_told_apart_and_near_ones_are_not() -> None:
    noise = SeedNoise([[0.80, 0.81], [0.70, 0.71], [0.795, 0.805], [0.50]])
    assert noise.not_told_apart(0, [1, 2, 3]) == [2]
    assert noise.not_told_apart(0, []) == []


def test_masks_chosen_by_a_lucky_value_make_the_noise_look_larger_unless_that_value_is_left_out() -> None:
    rng = np.random.default_rng(7)
    as_it_looks, left_out = [], []
    for _ in range(400):
        truth, groups = simulate(rng, 30, 1, 0.005, 0.01)
        for place in np.argsort([group[0] for group in groups])[-3:]:
            groups[place] += [float(v) for v in truth[place] + 0.01 * rng.normal(size=3)]
        as_it_looks.append(SeedNoise(groups).between_seeds.require() ** 2)
        left_out.append(SeedNoise(groups, chosen_by_first=True).between_seeds.require() ** 2)
    assert np.mean(as_it_looks) > 1.2 * 0.01**2
    assert np.mean(left_out) == pytest.approx(0.01**2, rel=0.08)


@pytest.mark.parametrize(
    ("groups", "chosen_by_first", "reason"),
    [
        ([[0.8], [0.7]], False, "at least two values leave 0 degrees of freedom, and 2 are needed"),
        ([[0.8, 0.9], [0.7]], False, "leave 1 degrees of freedom"),
        ([[0.8, 0.9, 0.7], [0.7, 0.6]], True, "at least three values leave 1 degrees of freedom"),
    ],
)
def test_noise_without_repeats_has_a_reason_and_no_number(
    groups: list[list[float]], chosen_by_first: bool, reason: str
) -> None:
    noise = SeedNoise(groups, chosen_by_first)
    for value in (noise.between_seeds, noise.between_masks, noise.optimism("maximize")):
        assert value.value is None
        assert reason in str(value.reason)
    assert noise.estimates == [pytest.approx(np.mean(group)) for group in groups], "the means, as they are"
    with pytest.raises(UndefinedMetricError, match=reason):
        noise.not_told_apart(0, [1])


def test_one_mask_has_noise_and_no_differences() -> None:
    noise = SeedNoise([[0.8, 0.82, 0.78]])
    assert noise.between_seeds.require() == pytest.approx(0.02)
    assert "there is one mask" in str(noise.between_masks.reason)


def test_where_noise_explains_all_the_difference_is_0_and_repeats_still_decide_the_order() -> None:
    """Equal means are no better for being measured more often, but a mean above the others' counts for more."""
    noise = SeedNoise([[0.81], [0.80, 0.84, 0.78, 0.82], [0.70, 0.90], [0.80, 0.76, 0.84]])
    assert noise.between_masks.require() == 0.0
    assert max(noise.estimates) - min(noise.estimates) < 1e-4
    order = [int(place) for place in np.argsort(noise.estimates)[::-1]]
    assert order[0] == 1, "0.81 on four values is more than 0.81 on one"
    assert order[1] == 0


def test_values_that_never_vary_stay_as_they_are() -> None:
    equal = SeedNoise([[0.8, 0.8], [0.8, 0.8]])
    assert equal.between_seeds.require() == equal.between_masks.require() == 0.0
    assert equal.estimates == [0.8, 0.8]
    assert equal.not_told_apart(0, [1]) == [1]
    exact = SeedNoise([[0.8, 0.8], [0.7, 0.7]])
    assert exact.estimates == pytest.approx([0.8, 0.7])
    assert exact.not_told_apart(0, [1]) == []


def test_the_order_of_masks_and_of_fresh_seeds_changes_nothing() -> None:
    groups = [[0.80, 0.84], [0.70, 0.72, 0.74], [0.60]]
    turned = SeedNoise([group[::-1] for group in groups[::-1]])
    assert turned.estimates[::-1] == pytest.approx(BY_HAND.estimates)
    assert turned.between_seeds.require() == pytest.approx(BY_HAND.between_seeds.require())


def test_estimates_of_no_masks_are_none_and_of_unusable_values_refused() -> None:
    assert shrunken_estimates([]) == []
    for groups in ([], [[0.8], []], [[float("nan"), 0.8]]):
        with pytest.raises(UndefinedMetricError, match="each must hold finite values"):
            SeedNoise(groups)


def test_a_report_of_the_noise_is_plain_and_complete() -> None:
    found = BY_HAND.to_dict("maximize")
    assert found["n_masks"] == 3
    assert found["n_values"] == 6
    noise = found["between_seeds"]
    assert isinstance(noise, dict)
    assert noise["degrees_of_freedom"] == 3
    assert noise["low"] < noise["value"] < noise["high"]
