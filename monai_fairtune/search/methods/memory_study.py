"""An Optuna study in memory, made for one proposal from what is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from monai_fairtune.search.methods.method import Direction, Observation
from monai_fairtune.search.quiet import quiet_optuna
from monai_fairtune.search.space import LEARNING_RATE, SearchSpace

__all__ = ["ask", "observed_trials"]

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}


def observed_trials(
    space: SearchSpace,
    history: Sequence[Observation],
    n_objectives: int,
    system_attributes: Sequence[Mapping[str, Any]] | None = None,
) -> list[FrozenTrial]:
    """Returns finished trials as Optuna's; those that failed teach a sampler nothing and are left out.

    So are those whose learning rate lies outside the space, as an anchor's may: Optuna refuses them.

    Args:
        space: of masks and learning rates.
        history: finished trials.
        n_objectives: with several, Optuna has no use for values by epoch, and refuses them.
        system_attributes: of each trial in ``history``, a sampler's own.
    """
    low, high = space.learning_rates
    own = system_attributes or [{}] * len(history)
    return [
        create_trial(
            state=_STATES[one.state],
            values=one.values if one.state == "complete" else None,
            params=dict(one.parameters),
            distributions=space.distributions,
            system_attrs=dict(attributes),
            intermediate_values=dict(one.intermediate) if n_objectives == 1 else None,
            constraints=dict(one.violations),
        )
        for one, attributes in zip(history, own, strict=True)
        if one.state in _STATES and low <= one.parameters[LEARNING_RATE] <= high
    ]


def ask(
    space: SearchSpace, trials: Sequence[FrozenTrial], directions: Sequence[Direction], sampler: BaseSampler
) -> FrozenTrial:
    """Returns the trial that a sampler proposes after ``trials``."""
    with quiet_optuna():
        study = optuna.create_study(directions=directions, sampler=sampler)
    study.add_trials(trials)
    study.ask(space.distributions)
    return study.get_trials(deepcopy=False)[-1]
