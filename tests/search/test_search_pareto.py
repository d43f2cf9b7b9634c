from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_fairtune.search.pareto import fronts, hypervolume, non_dominated

Directions = list[Literal["minimize", "maximize"]]
DIRECTIONS: Directions = ["maximize", "minimize", "maximize"]


def beats(
    one: int, other: int, values: list[tuple[float, ...]], directions: Directions, violations: list[float]
) -> bool:
    """Deb's rule, in words."""
    mine, theirs = max(0.0, violations[one]), max(0.0, violations[other])
    if mine or theirs:
        return mine < theirs
    pairs = [
        (a, b) if direction == "maximize" else (-a, -b)
        for a, b, direction in zip(values[one], values[other], directions, strict=True)
    ]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def by_brute_force(values: list[tuple[float, ...]], directions: Directions, violations: list[float]) -> list[list[int]]:
    left, found = set(range(len(values))), []
    while left:
        front = {one for one in left if not any(beats(other, one, values, directions, violations) for other in left)}
        found.append(sorted(front))
        left -= front
    return found


candidates = st.lists(
    st.tuples(*[st.integers(0, 4).map(float)] * 3, st.sampled_from([-1.0, 0.0, 0.0, 0.5, 1.0])), max_size=14
)


@given(candidates)
def test_fronts_are_those_of_brute_force(rows: list[tuple[float, ...]]) -> None:
    values, violations = [row[:3] for row in rows], [row[3] for row in rows]
    found = fronts(values, DIRECTIONS, violations)
    assert found == by_brute_force(values, DIRECTIONS, violations)
    assert non_dominated(values, DIRECTIONS, violations) == (found[0] if found else [])


def test_the_first_front_is_optunas_best_trials() -> None:
    rng = np.random.default_rng(0)
    values = [tuple(float(v) for v in row) for row in rng.normal(size=(60, 2))]
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.add_trials([optuna.create_trial(values=row) for row in values])
    assert non_dominated(values, ["maximize", "minimize"]) == sorted(trial.number for trial in study.best_trials)


def test_a_feasible_candidate_comes_before_a_better_infeasible_one() -> None:
    values = [(0.9,), (0.7,), (0.8,)]
    assert fronts(values, ["maximize"], [0.2, 0.0, 0.1]) == [[1], [2], [0]]
    assert fronts(values, ["maximize"]) == [[0], [2], [1]]


def test_equal_candidates_share_a_front() -> None:
    assert fronts([(1.0, 2.0), (1.0, 2.0), (0.0, 2.0)], ["maximize", "minimize"]) == [[0, 1], [2]]


def test_a_hypervolume_by_hand() -> None:
    values = [(0.8, 0.1), (0.9, 0.2), (0.85, 0.25), (0.4, 0.0), (0.95, 0.3)]
    assert hypervolume(values, ["maximize", "minimize"], (0.5, 0.3)) == pytest.approx(0.3 * 0.2 + 0.1 * 0.1)
    assert hypervolume([], ["maximize", "minimize"], (0.5, 0.3)) == 0.0


@given(st.lists(st.tuples(*[st.integers(0, 4).map(float)] * 3), max_size=10))
def test_a_hypervolume_is_the_number_of_unit_cubes_that_are_dominated(values: list[tuple[float, ...]]) -> None:
    """Maximised objectives are 4 minus the value, so that every cube counts down to the reference."""
    turned = [(4 - a, b, 4 - c) for a, b, c in values]
    n_cubes = sum(any(all(v <= cell for v, cell in zip(row, cube, strict=True)) for row in values) for cube in CUBES)
    assert hypervolume(turned, DIRECTIONS, (0.0, 4.0, 0.0)) == pytest.approx(n_cubes)


CUBES = list(product(range(4), repeat=3))
