"""The smallest AUROC difference that counts could show."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.subgroups import minimum_detectable_gap

_CELLS = st.tuples(st.integers(4, 2000), st.integers(4, 2000))  # from 4 of each class on, some gap would show


def variance(auroc: float, n_negative: int, n_positive: int) -> float:
    """Equation 2 of Hanley and McNeil, written out a second time."""
    q1, q2 = auroc / (2 - auroc), 2 * auroc * auroc / (1 + auroc)
    numerator = auroc * (1 - auroc) + (n_positive - 1) * (q1 - auroc**2) + (n_negative - 1) * (q2 - auroc**2)
    return numerator / n_positive / n_negative


@settings(deadline=None)
@given(_CELLS, _CELLS)
def test_the_gap_solves_its_own_equation_for_the_worse_role(a: tuple[int, int], b: tuple[int, int]) -> None:
    gap = minimum_detectable_gap({"a": a, "b": b}, auroc=0.85)
    factor = norm.ppf(0.975) + norm.ppf(0.8)
    lower = max(0.85 - gap, 0.5)
    needed = [factor * math.sqrt(variance(0.85, *x) + variance(lower, *y)) for x, y in ((a, b), (b, a))]
    assert max(needed) == pytest.approx(gap, abs=1e-9)


@settings(deadline=None)
@given(st.lists(_CELLS, min_size=2, max_size=4))
def test_the_worst_pair_decides(cells: list[tuple[int, int]]) -> None:
    pairs = [{"a": a, "b": b} for i, a in enumerate(cells) for b in cells[i + 1 :]]
    worst = max(minimum_detectable_gap(pair) for pair in pairs)
    assert minimum_detectable_gap({str(i): cell for i, cell in enumerate(cells)}) == pytest.approx(worst, abs=1e-9)


@settings(deadline=None)
@given(_CELLS, _CELLS)
def test_more_images_never_show_less(a: tuple[int, int], b: tuple[int, int]) -> None:
    twice = (2 * a[0], 2 * a[1])
    assert minimum_detectable_gap({"a": twice, "b": b}) <= minimum_detectable_gap({"a": a, "b": b}) + 1e-9


def test_higher_power_and_stricter_level_need_a_larger_gap() -> None:
    counts = {"a": (100, 40), "b": (80, 60)}
    usual = minimum_detectable_gap(counts)
    assert minimum_detectable_gap(counts, power=0.9) > usual
    assert minimum_detectable_gap(counts, alpha=0.01) > usual


@pytest.mark.parametrize("counts", [((200, 50), (200, 50)), ((100, 100), (100, 100)), ((500, 60), (150, 40))])
def test_a_true_gap_of_that_size_is_found_in_about_four_of_five_studies(counts: tuple[tuple[int, int], ...]) -> None:
    rng, n_studies = np.random.default_rng(0), 1500
    gap = minimum_detectable_gap({"a": counts[0], "b": counts[1]})

    def simulate(n_negative: int, n_positive: int, auroc: float) -> np.ndarray:
        shift = math.sqrt(2) * norm.ppf(auroc)
        means = np.repeat([0.0, shift], [n_negative, n_positive])
        ranks = rankdata(rng.normal(means, size=(n_studies, n_negative + n_positive)), axis=1)
        rank_sums = ranks[:, n_negative:].sum(axis=1)
        return np.asarray((rank_sums - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))

    better, worse = simulate(*counts[0], 0.8), simulate(*counts[1], 0.8 - gap)
    spread = [math.sqrt(variance(x, *counts[0]) + variance(y, *counts[1])) for x, y in zip(better, worse, strict=True)]
    found = np.mean(np.abs(better - worse) > 1.96 * np.array(spread))
    assert found == pytest.approx(0.8, abs=0.06)


def test_a_subgroup_that_even_chance_would_not_tell_apart_has_a_gap_beyond_chance() -> None:
    assert 0.8 - 0.5 < minimum_detectable_gap({"a": (8, 8), "b": (8, 8)}) < 0.8


def test_where_even_the_largest_gap_would_go_unseen_there_is_none_and_the_smallest_subgroup_is_named() -> None:
    with pytest.raises(UndefinedMetricError, match=r"No AUROC gap would show.*subgroup 'b' holds 2 negatives and 3"):
        minimum_detectable_gap({"a": (10, 10), "b": (2, 3)})


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 2000), st.integers(1, 6))
def test_no_gap_is_larger_than_the_better_auroc(n_negative: int, n_positive: int, n: int) -> None:
    with contextlib.suppress(UndefinedMetricError):
        assert minimum_detectable_gap({"a": (n_negative, n_positive), "b": (n, n)}) <= 0.8


@pytest.mark.parametrize("counts", [{}, {"a": (10, 10)}])
def test_fewer_than_two_subgroups_have_no_gap(counts: dict[str, tuple[int, int]]) -> None:
    with pytest.raises(UndefinedMetricError, match=f"undefined for {len(counts)} subgroup"):
        minimum_detectable_gap(counts)


def test_a_subgroup_that_lacks_a_class_is_named() -> None:
    with pytest.raises(UndefinedMetricError, match="subgroup 'b' holds 0 negatives and 7 positives; 'c' holds 3 neg"):
        minimum_detectable_gap({"a": (10, 10), "b": (0, 7), "c": (3, 0)})


@pytest.mark.parametrize("options", [{"auroc": 0.5}, {"auroc": 1.0}, {"power": 1.0}, {"power": 0.01}, {"alpha": 0.0}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=r"Give an AUROC above 0\.5 and below 1"):
        minimum_detectable_gap({"a": (10, 10), "b": (10, 10)}, **options)
