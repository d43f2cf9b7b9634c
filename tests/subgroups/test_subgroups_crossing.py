"""Where a function changes its sign."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from monai_fairtune.subgroups import crossing


@given(st.floats(0.001, 0.999), st.floats(1e-3, 4.0))
def test_it_agrees_with_scipy_also_where_the_slope_is_endless(value: float, width: float) -> None:
    def excess(true: float) -> float:
        return abs(value - true) - width * math.sqrt(true * (1 - true))

    for ends in ((0.0, value), (value, 1.0)):
        assert crossing(excess, *ends) == pytest.approx(brentq(excess, *ends, xtol=1e-14), abs=2e-13)


@given(st.floats(-5, 5))
def test_the_sign_may_change_either_way(zero: float) -> None:
    assert crossing(lambda x: x - zero, -6.0, 7.0) == pytest.approx(zero, abs=1e-12)
    assert crossing(lambda x: zero - x, -6.0, 7.0) == pytest.approx(zero, abs=1e-12)


def test_an_end_may_be_the_zero() -> None:
    assert crossing(lambda x: x, 0.0, 1.0) == 0.0
    assert crossing(lambda x: x - 1, 0.0, 1.0) == 1.0


def test_few_evaluations_are_needed() -> None:
    tried: list[float] = []

    def excess(x: float) -> float:
        tried.append(x)
        return math.exp(x) - 3

    assert crossing(excess, -10.0, 10.0) == pytest.approx(math.log(3), abs=1e-13)
    assert len(tried) < 40
