"""Optuna's tree-structured Parzen estimator."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.samplers import TPESampler

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.methods.memory_study import ask, observed_trials
from monai_fairtune.search.methods.method import Direction, Observation, Proposal, SearchMethod
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.space import SearchSpace

__all__ = ["TPEMethod"]


class TPEMethod(SearchMethod):
    """Models which masks do well and which do not, all bits together, and proposes what tells them apart.

    Trials that miss a constraint rank behind all others, those stopped early behind complete ones.

    Args:
        n_startup_trials: complete or stopped trials within the space before it takes over from random draws; at
            least 1.

    Raises:
        ConfigurationError: if ``n_startup_trials`` is below 1.
    """

    name = "tpe"
    advice = "The default: finds good masks in the fewest trainings, with one objective or several."
    takes_several_objectives = True

    def __init__(self, n_startup_trials: int = 10) -> None:
        if n_startup_trials < 1:
            raise ConfigurationError(f"n_startup_trials is {n_startup_trials}. Give a whole number from 1.")
        self.n_startup_trials = n_startup_trials

    @property
    def description(self) -> str:
        """The sampler and its pinned arguments, for the report."""
        return (
            f"optuna {optuna.__version__} TPESampler(multivariate=True, group=False, constant_liar=False, "
            f"n_startup_trials={self.n_startup_trials}, n_ei_candidates=24)"
        )

    def propose(
        self,
        space: SearchSpace,
        history: Sequence[Observation],
        directions: Sequence[Direction],
        *,
        seed: int,
        attempt: int = 0,
    ) -> Proposal | None:
        """See :meth:`SearchMethod.propose`; never None."""
        sampler = TPESampler(
            multivariate=True,
            group=False,
            constant_liar=False,
            n_startup_trials=self.n_startup_trials,
            n_ei_candidates=24,
            seed=derive_seed(seed, self.name, attempt),
        )
        trials = observed_trials(space, history, len(directions))
        return Proposal(dict(ask(space, trials, directions, sampler).params))
