"""Limits that are drawn are no closer than what they are drawn from can tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from monai_fairtune.metrics import Deviation, Surveillance


def unchanged(rng: np.random.Generator, n_windows: int) -> list[Deviation | None]:
    return [Deviation(0.0, 0.0, float(z), 0.0) for z in rng.standard_normal(n_windows)]


def test_the_chance_of_a_false_alarm_stays_below_alpha_where_draws_are_few_for_the_quantities() -> None:
    rng = np.random.default_rng(0)
    n_alarmed = 0
    for year in range(300):
        found = Surveillance(n_draws=1000, seed=year).judge({k: unchanged(rng, 12) for k in range(20)}, "lower")
        n_alarmed += any(each is not None and each.is_alarm for row in found.values() for each in row)
    assert n_alarmed / 300 < 0.07  # 5 %, and what chance adds in 300 years


@pytest.mark.parametrize("rule", [Surveillance(alpha=0.001, horizon=60), Surveillance(alpha=0.02, n_draws=20_000)])
def test_a_chance_that_no_draw_can_tell_gives_the_sum_no_limit_rather_than_the_farthest_draw(
    rule: Surveillance,
) -> None:
    unmoved: list[Deviation | None] = [Deviation(0.0, 0.0, 0.0, 0.0)]
    found = rule.judge(dict.fromkeys(range(40), unmoved), "either")[0][0]
    assert found is not None
    assert norm.sf(found.cusum_limit + rule.allowance) <= rule.alpha / rule.horizon / 40 / 2
    assert found.to_dict()["cusum_limit"] is None


def test_the_first_window_has_an_alarm_with_its_part_of_alpha() -> None:
    found = Surveillance().judge({"a": [Deviation(0.0, 0.0, 0.0, 0.0)]}, "lower")["a"][0]
    assert found is not None
    assert norm.sf(min(found.cusum_limit + 0.5, found.z_limit)) == pytest.approx(0.05 / 12, rel=0.1)
