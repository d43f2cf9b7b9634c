from __future__ import annotations

import pytest

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.methods import ExhaustiveMethod, Observation, Proposal, method_by_name
from monai_fairtune.search.space import LEARNING_RATE
from tests.search.proposals import ONE, observe, run, space


def masks(found: list[Observation]) -> list[tuple[bool, ...]]:
    return [tuple(bit for name, bit in one.parameters.items() if name != LEARNING_RATE) for one in found]


def test_every_mask_is_proposed_once_and_then_none_is_left() -> None:
    found = run(ExhaustiveMethod(), 100, space(5))
    assert len(found) == 32 == len(set(masks(found)))
    assert {one.parameters[LEARNING_RATE] for one in found} == {space(5).middle_learning_rate}
    assert ExhaustiveMethod().propose(space(5), found, ONE, seed=99) is None


def test_the_order_is_random_and_belongs_to_its_seed() -> None:
    orders = [masks(run(method_by_name("exhaustive", order_seed=seed), 32, space(5))) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert set(orders[0]) == set(orders[2])
    assert orders[0] != sorted(orders[0])


def test_no_mask_is_missed_where_proposals_are_refused_and_trials_are_ahead() -> None:
    """As the search does: masks that were trained or tune too much lead to the next attempt."""
    method, within, n_ahead = ExhaustiveMethod(), space(5), 4
    anchor = Observation(within.parameters(within.partition.head_only(), 1e-4), "complete", (0.0,))
    found: list[Observation] = [anchor]
    while True:
        n_known = max(1, len(found) - n_ahead)
        proposal = _usable(method, found, n_known)
        if proposal is None:
            break
        found.append(observe(proposal))
    assert len(found) == len(set(masks(found)))
    assert set(masks(found)) == {mask for mask in masks(run(ExhaustiveMethod(), 99, within)) if sum(mask) <= 3}


def _usable(method: ExhaustiveMethod, found: list[Observation], n_known: int) -> Proposal | None:
    for attempt in range(33):
        proposal = method.propose(space(5), found[:n_known], ONE, seed=len(found), attempt=attempt)
        if proposal is None:
            return None
        (mask,) = masks([Observation(proposal.parameters, "failed")])
        if mask not in masks(found) and sum(mask) <= 3:
            return proposal
    raise AssertionError("more attempts than masks")


def test_a_large_space_is_refused_before_anything_is_trained() -> None:
    ExhaustiveMethod().check(space(12), ONE)
    with pytest.raises(ConfigurationError, match=r"'attention' has 13 searchable components, hence 2\^13 masks"):
        ExhaustiveMethod().check(space(13), ONE)
    with pytest.raises(ConfigurationError, match=r"takes at most 12. Choose method 'tpe'"):
        ExhaustiveMethod().propose(space(13), [], ONE, seed=0)
