from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.methods import (
    Direction,
    ExhaustiveMethod,
    NSGA2Method,
    Observation,
    RandomMethod,
    SearchMethod,
    TPEMethod,
    method_by_name,
)
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.space import LEARNING_RATE, SearchSpace
from tests.search.proposals import METHODS, ONE, TWO, run, space
from tests.search.worlds import partition

each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


@each_method
@pytest.mark.parametrize("directions", [ONE, TWO], ids=["one", "two"])
def test_a_proposal_is_a_mask_and_a_learning_rate_of_the_space(
    method: SearchMethod, directions: tuple[Direction, ...]
) -> None:
    within = space()
    for one in run(method, 25, within, directions):
        assert set(one.parameters) == {*within.partition.searchable, LEARNING_RATE}
        assert all(type(one.parameters[name]) is bool for name in within.partition.searchable)
        assert 1e-5 <= one.parameters[LEARNING_RATE] <= 1e-3


@each_method
def test_the_same_arguments_give_the_same_proposal_whatever_was_asked_before(method: SearchMethod) -> None:
    within = space()
    history = run(method, 25, within)
    again = method_by_name(method.name, 5, 6)
    for n_known in (0, 24, 13):
        first = method.propose(within, history[:n_known], ONE, seed=7)
        assert first == again.propose(within, [replace(one) for one in history[:n_known]], ONE, seed=7)


def test_another_process_proposes_the_same() -> None:
    here = {method.name: [dict(one.parameters) for one in run(method, 15, space(), TWO)] for method in METHODS}
    there = subprocess.run(
        [sys.executable, "-W", "error", "-c", _ELSEWHERE],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "123"},
    )
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout) == here
    assert there.stderr == "", "Optuna's announcements and warnings reach nobody"


_ELSEWHERE = """
import json
from tests.search.proposals import METHODS, TWO, run, space
found = {method.name: [dict(one.parameters) for one in run(method, 15, space(), TWO)] for method in METHODS}
print(json.dumps(found))
"""


@each_method
def test_another_attempt_and_another_seed_lead_elsewhere(method: SearchMethod) -> None:
    within = space(12)
    history = run(method, 25, within)
    first, second = (method.propose(within, history, ONE, seed=7, attempt=attempt) for attempt in (0, 1))
    assert first != second
    if not isinstance(method, ExhaustiveMethod):
        assert first != method.propose(within, history, ONE, seed=8)


@each_method
def test_notes_are_plain_json(method: SearchMethod) -> None:
    proposal = method.propose(space(), run(method, 9, space()), ONE, seed=0)
    assert proposal is not None
    assert json.loads(json.dumps(proposal.notes)) == proposal.notes


@each_method
def test_a_space_of_one_learning_rate_can_be_searched(method: SearchMethod) -> None:
    fixed = SearchSpace(partition(4), (1e-4, 1e-4))
    assert {one.parameters[LEARNING_RATE] for one in run(method, 14, fixed)} == {1e-4}


@each_method
def test_an_anchor_whose_learning_rate_lies_outside_the_space_is_passed_over(method: SearchMethod) -> None:
    within = space()
    anchor = Observation(within.parameters(within.partition.head_only(), 0.1), "complete", (1.0,), {"floor": -1.0})
    assert method.propose(within, [anchor, *run(method, 12, within)], ONE, seed=0) is not None


def test_tpe_and_nsga2_learn_and_random_masks_do_not() -> None:
    within = space(12)

    def late(method: SearchMethod) -> float:
        found = [one.values[0] for one in run(method, 90, within)[60:] if one.values]
        return float(np.mean(found))

    chance = late(RandomMethod())
    assert late(TPEMethod(10)) > chance + 2
    assert late(NSGA2Method(10)) > chance + 1
    assert abs(chance - (-4.0)) < 0.7, "the mean over all masks and learning rates"


def test_tpe_proposes_what_optunas_own_study_would() -> None:
    within = space()
    history = run(TPEMethod(5), 20, within)
    optunas = optuna.create_study(direction="maximize")
    states = {"complete": optuna.trial.TrialState.COMPLETE, "pruned": optuna.trial.TrialState.PRUNED}
    for one in history:
        if one.state != "failed":
            optunas.add_trial(
                optuna.create_trial(
                    state=states[one.state],
                    value=one.values[0] if one.values else None,
                    params=dict(one.parameters),
                    distributions=within.distributions,
                    constraints=dict(one.violations),
                    intermediate_values=dict(one.intermediate),
                )
            )
    optunas.sampler = optuna.samplers.TPESampler(
        multivariate=True, constant_liar=False, n_startup_trials=5, n_ei_candidates=24, seed=derive_seed(3, "tpe", 0)
    )
    proposal = TPEMethod(5).propose(within, history, ONE, seed=3)
    assert proposal is not None
    assert optunas.ask(within.distributions).params == proposal.parameters


def test_tpe_draws_at_random_until_its_startup_trials_are_there() -> None:
    within = space()
    history = run(RandomMethod(), 30, within)
    n_seen = [sum(one.state != "failed" for one in history[:n]) for n in range(31)]
    before, after = n_seen.index(9), n_seen.index(10)
    flipped = [replace(one, values=None if one.values is None else (-one.values[0],)) for one in history]

    def learns(n: int) -> bool:
        method = TPEMethod(10)
        return method.propose(within, history[:n], ONE, seed=1) != method.propose(within, flipped[:n], ONE, seed=1)

    assert not learns(before)
    assert learns(after)


def test_a_violated_constraint_outweighs_the_value_for_tpe() -> None:
    """Masks with the first bit are best by value and below the floor, so TPE stays away from them."""
    within = space()
    first = within.partition.searchable[0]
    history = [
        replace(one, state="complete", values=(float(one.parameters[first]),), violations={"floor": 0.5 * violated})
        for one in run(RandomMethod(), 80, within)
        for violated in [one.parameters[first]]
    ]
    free = [replace(one, violations={"floor": -1.0}) for one in history]

    def share(known: list[Observation]) -> float:
        proposals = [TPEMethod(5).propose(within, known, ONE, seed=seed) for seed in range(20)]
        return float(np.mean([one.parameters[first] for one in proposals if one is not None]))

    assert share(history) < 0.2
    assert share(free) > 0.8


def test_the_description_pins_optunas_version_and_arguments() -> None:
    assert TPEMethod(7).description == (
        f"optuna {optuna.__version__} TPESampler(multivariate=True, group=False, constant_liar=False, "
        "n_startup_trials=7, n_ei_candidates=24)"
    )
    assert "population_size=9" in NSGA2Method(9).description


def test_methods_are_found_by_name_and_unknown_ones_refused() -> None:
    for method in METHODS:
        assert type(method_by_name(method.name)) is type(method)
        assert method.advice.endswith(".")
    with pytest.raises(ConfigurationError, match=r"no search method 'grid'. Choose one of tpe, nsga2, random"):
        method_by_name("grid")
    with pytest.raises(ConfigurationError, match=r"n_startup_trials is 0. Give a whole number from 1"):
        method_by_name("tpe", n_startup_trials=0)
    with pytest.raises(ConfigurationError, match=r"population_size is 1. Give a whole number from 2"):
        method_by_name("nsga2", population_size=1)


def test_a_method_of_one_objective_refuses_two() -> None:
    class OneOnly(RandomMethod):
        name = "one only"
        takes_several_objectives = False

    OneOnly().check(space(), ONE)
    with pytest.raises(ConfigurationError, match="'one only' takes one objective and 2 are given"):
        OneOnly().check(space(), TWO)
