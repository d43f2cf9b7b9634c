"""Deviates are standard normal where nothing changed; the rule keeps its chance of false alarms and finds changes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, norm

from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.metrics import (
    Deviation,
    Images,
    Surveillance,
    auroc_deviation,
    score_deviation,
    share_deviation,
)

RULE = Surveillance(n_draws=20_000)


def images(rng: np.random.Generator, n_patients: int, per_patient: int, shift: float = 1.5) -> Images:
    """Images of one patient share a label and most of their noise."""
    ill = rng.random(n_patients) < 0.3
    noise = 0.8 * np.repeat(rng.normal(size=n_patients), per_patient) + 0.6 * rng.normal(size=n_patients * per_patient)
    return Images(
        np.repeat(shift * ill, per_patient) + noise,
        np.repeat(np.arange(n_patients), per_patient),
        np.repeat(ill, per_patient).astype(np.int64),
    )


def deviates(measure: str, per_patient: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(600):
        now, before = images(rng, 80, per_patient), images(rng, 160, per_patient)
        if measure == "auroc":
            found.append(auroc_deviation(now, before, 5).z)
        elif measure == "score":
            found.append(score_deviation(now, before, 5).z)
        else:
            found.append(share_deviation(now.labels == 1, now.patients, before.labels == 1, before.patients).z)
    return np.array(found)


@pytest.mark.parametrize("per_patient", [1, 4])
@pytest.mark.parametrize("measure", ["auroc", "score", "share"])
def test_a_deviate_is_standard_normal_where_nothing_changed_however_many_images_a_patient_has(
    measure: str, per_patient: int
) -> None:
    z = deviates(measure, per_patient)
    assert abs(z.mean()) < 0.15
    assert abs(z.std() - 1) < 0.1
    assert (np.abs(z) > 1.96).mean() < 0.08


def test_the_deviate_of_scores_is_that_of_mann_whitneys_test_where_each_image_is_of_another_patient() -> None:
    rng = np.random.default_rng(1)
    now, before = images(rng, 400, 1, shift=2.0), images(rng, 300, 1)
    p = mannwhitneyu(now.scores, before.scores, alternative="greater", method="asymptotic").pvalue
    found = score_deviation(now, before, 10)
    assert found.z == pytest.approx(norm.isf(p), abs=0.05)
    assert found.value == pytest.approx(mannwhitneyu(now.scores, before.scores).statistic / (400 * 300))


def test_the_deviate_of_a_share_is_that_of_fishers_test_with_mid_p_where_each_image_is_of_another_patient() -> None:
    now, before = np.arange(40) < 9, np.arange(90) < 6
    found = share_deviation(now, np.arange(40), before, np.arange(90))
    # Of 15 images out of 130 at least 9 among these 40: counted one way, and half of exactly 9.
    from math import comb

    chances = {k: comb(40, k) * comb(90, 15 - k) / comb(130, 15) for k in range(16)}
    mid_p = sum(chances[k] for k in range(10, 16)) + chances[9] / 2
    assert found.z == pytest.approx(norm.isf(mid_p))


def test_ten_images_that_are_ranked_without_an_error_are_not_known_without_an_error() -> None:
    rng = np.random.default_rng(2)
    before = images(rng, 2000, 1)
    few = Images(np.arange(20.0), np.arange(20), (np.arange(20) >= 10).astype(np.int64))
    assert 0 < auroc_deviation(few, before, 10).z < 4


def test_too_few_images_or_patients_have_no_deviate() -> None:
    rng = np.random.default_rng(3)
    small, large = images(rng, 12, 1), images(rng, 200, 1)
    with pytest.raises(UndefinedMetricError, match=r"The window holds \d+ positives and \d+ negatives"):
        auroc_deviation(small, large, 10)
    with pytest.raises(UndefinedMetricError, match="The reference holds 12 patients"):
        score_deviation(large, small, 20)


def paths(rng: np.random.Generator, n_windows: int, shift: float, shared: float = 0.3) -> list[Deviation | None]:
    """Deviates of windows from the third of which something has changed."""
    common, own = rng.normal(), rng.normal(size=n_windows)
    z = shared**0.5 * common + (1 - shared) ** 0.5 * own + shift * (np.arange(n_windows) >= 2)
    return [Deviation(0.0, 0.0, float(each), shared) for each in z]


def test_the_chance_of_any_false_alarm_within_the_horizon_is_below_alpha_and_not_far_below() -> None:
    rng = np.random.default_rng(4)
    rule = Surveillance(alpha=0.2, n_draws=4000)
    found = [rule.judge({"a": paths(rng, 12, 0.0)}, "lower")["a"] for _ in range(500)]
    assert 0.13 < np.mean([any(each is not None and each.is_alarm for each in row) for row in found]) < 0.2


def test_several_quantities_share_the_chance_of_a_false_alarm() -> None:
    rng = np.random.default_rng(6)
    rule = Surveillance(alpha=0.2, n_draws=4000)
    found = [rule.judge({name: paths(rng, 12, 0.0) for name in "abc"}, "either") for _ in range(200)]
    any_alarm = [
        any(each is not None and each.is_alarm for row in each_year.values() for each in row) for each_year in found
    ]
    assert np.mean(any_alarm) < 0.2


def test_a_small_change_that_lasts_is_found_by_the_sum_and_a_large_one_at_once() -> None:
    steady: list[Deviation | None] = [Deviation(0.0, 0.0, -1.8, 0.05)] * 12
    assert {each and each.kind for each in RULE.judge({"auroc": steady}, "lower")["auroc"]} == {None, "lasting"}
    sudden = RULE.judge({"auroc": [Deviation(0.0, 0.0, -5.0, 0.05)]}, "lower")["auroc"][0]
    assert sudden is not None
    assert (sudden.is_alarm, sudden.kind) == (True, "sudden")


def test_a_rise_is_an_alarm_only_where_any_change_counts() -> None:
    rise: list[Deviation | None] = [Deviation(0.0, 0.0, 5.0, 0.1)]
    lower, either = (RULE.judge({"q": rise}, direction)["q"][0] for direction in ("lower", "either"))
    assert lower is not None
    assert either is not None
    assert (lower.is_alarm, either.is_alarm) == (False, True)


def test_what_was_judged_stays_when_windows_and_quantities_come() -> None:
    rng = np.random.default_rng(5)
    long, other = paths(rng, 8, -1.0), paths(rng, 8, 0.0)
    early = RULE.judge({"a": long[:5], "b": other[:5]}, "lower")["a"]
    later: list[Deviation | None] = [None] * 5
    assert RULE.judge({"c": later + other[5:], "a": long, "b": other}, "lower")["a"][:5] == early


def test_a_window_that_tells_nothing_leaves_the_sum_as_it_is() -> None:
    one = Deviation(0.0, 0.0, -2.0, 0.1)
    found = RULE.judge({"a": [one, None, one]}, "lower")["a"]
    assert found[1] is None
    assert found[2] is not None
    assert found[2].cusum == pytest.approx(3.0)


@pytest.mark.parametrize("bad", [{"alpha": 0.0}, {"horizon": 0}, {"allowance": -1.0}, {"n_draws": 10}])
def test_a_rule_that_cannot_be_used_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="Give alpha between 0 and 1"):
        Surveillance(**bad)  # type: ignore[arg-type]
