"""What search methods propose, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from monai_fairtune.search.methods import (
    Direction,
    ExhaustiveMethod,
    NSGA2Method,
    Observation,
    Proposal,
    RandomMethod,
    SearchMethod,
    TPEMethod,
)
from monai_fairtune.search.space import LEARNING_RATE, SearchSpace
from tests.search.worlds import partition

__all__ = ["METHODS", "ONE", "TWO", "observe", "run", "space"]

METHODS: tuple[SearchMethod, ...] = (TPEMethod(5), NSGA2Method(6), RandomMethod(), ExhaustiveMethod())
ONE: tuple[Direction, ...] = ("maximize",)
TWO: tuple[Direction, ...] = ("maximize", "minimize")


def space(n_bits: int = 6) -> SearchSpace:
    """A space of masks of some bits."""
    return SearchSpace(partition(n_bits), (1e-5, 1e-3))


def observe(proposal: Proposal, n_objectives: int = 1) -> Observation:
    """Tuning the first half is good, a large learning rate is better; every fifth trial or so is stopped or fails."""
    bits = [bit for name, bit in proposal.parameters.items() if name != LEARNING_RATE]
    half = len(bits) // 2
    good = sum(bits[:half]) - sum(bits[half:]) + float(np.log10(proposal.parameters[LEARNING_RATE]))
    kind = sum(place * bit for place, bit in enumerate(bits)) % 10
    values = (good, sum(bits) / len(bits))[:n_objectives]
    state = "failed" if kind == 3 else "pruned" if kind == 4 else "complete"
    return Observation(
        proposal.parameters,
        state,  # type: ignore[arg-type]
        values if state == "complete" else None,
        {} if state == "failed" else {"utility_floor": 0.1 if sum(bits) == len(bits) else -0.1},
        {1: good - 1.0, 2: good},
        json.loads(json.dumps(proposal.notes)),
    )


def run(method: SearchMethod, n: int, within: SearchSpace, directions: Sequence[Direction] = ONE) -> list[Observation]:
    """A study whose trial ``t`` knows the trials below ``t``."""
    found: list[Observation] = []
    for number in range(n):
        proposal = method.propose(within, found, directions, seed=number)
        if proposal is None:
            break
        found.append(observe(proposal, len(directions)))
    return found
