"""Optuna's NSGA-II (Deb et al., 2002)."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.samplers import NSGAIISampler

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.methods.memory_study import ask, observed_trials
from monai_fairtune.search.methods.method import Direction, Observation, Proposal, SearchMethod
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.space import SearchSpace

__all__ = ["NSGA2Method"]

_OPTUNAS_GENERATION = "NSGAIISampler:generation"
_GENERATION = "generation"


class NSGA2Method(SearchMethod):
    """Breeds masks from the best of earlier generations.

    A trial's generation is fixed when it is proposed and travels in its notes; who may be a parent is computed anew
    for each proposal from all that is known by then, where Optuna remembers what it chose for the generation's first
    trial. Trials that the method did not propose (anchors, masks taken over from an earlier search) join the
    generation of their time. Trials that were stopped early or failed have no offspring.

    Args:
        population_size: complete trials of a generation; at least 2.

    Raises:
        ConfigurationError: if ``population_size`` is below 2.
    """

    name = "nsga2"
    advice = "For several objectives and some hundred trainings, where a wide Pareto front is wanted."
    takes_several_objectives = True

    def __init__(self, population_size: int = 20) -> None:
        if population_size < 2:
            raise ConfigurationError(f"population_size is {population_size}. Give a whole number from 2.")
        self.population_size = population_size

    @property
    def description(self) -> str:
        """The sampler and its pinned arguments, for the report."""
        return (
            f"optuna {optuna.__version__} NSGAIISampler(population_size={self.population_size}, "
            "crossover=UniformCrossover, crossover_prob=0.9, swapping_prob=0.5, mutation_prob=1/n_parameters)"
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
        sampler = NSGAIISampler(
            population_size=self.population_size,
            crossover_prob=0.9,
            swapping_prob=0.5,
            mutation_prob=None,
            seed=derive_seed(seed, self.name, attempt),
        )
        own = [{_OPTUNAS_GENERATION: generation} for generation in self._generations(history)]
        trial = ask(space, observed_trials(space, history, len(directions), own), directions, sampler)
        return Proposal(dict(trial.params), {_GENERATION: trial.system_attrs[_OPTUNAS_GENERATION]})

    def _generations(self, history: Sequence[Observation]) -> list[int]:
        """Returns the generation of each trial: as noted, or the one that Optuna would have given it."""
        found: list[int] = []
        newest, n_complete = 0, 0
        for one in history:
            current = newest if n_complete < self.population_size else newest + 1
            generation = int(one.notes.get(_GENERATION, current))
            found.append(generation)
            if one.state == "complete" and generation >= newest:
                n_complete = n_complete + 1 if generation == newest else 1
                newest = generation
        return found
