from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import optuna
from optuna.samplers import NSGAIISampler

from monai_fairtune.search.methods import NSGA2Method, Observation, Proposal
from monai_fairtune.search.seeds import derive_seed
from tests.search.proposals import TWO, observe, run, space

SIZE = 6


class Forgetful(NSGAIISampler):
    """Optuna's sampler, choosing parents anew for each trial: its memory of them changes only their order."""

    def get_parent_population(self, study: optuna.Study, generation: int) -> list[Any]:
        return [] if generation == 0 else self.select_parent(study, generation)


def optunas_own(n: int) -> list[tuple[dict[str, Any], int]]:
    """Parameters and generation of each trial of one Optuna study that lives from the first trial to the last."""
    within = space()
    study = optuna.create_study(directions=TWO)
    states = {"pruned": optuna.trial.TrialState.PRUNED, "failed": optuna.trial.TrialState.FAIL}
    found = []
    for number in range(n):
        study.sampler = Forgetful(population_size=SIZE, seed=derive_seed(number, "nsga2", 0))
        trial = study.ask(within.distributions)
        one = observe(Proposal(trial.params), 2)
        for name, violation in one.violations.items():
            trial.set_constraint(name, violation)
        if one.values is None:
            study.tell(trial, state=states[one.state])
        else:
            study.tell(trial, one.values)
        found.append((trial.params, study.trials[-1].system_attrs["Forgetful:generation"]))
    return found


def test_a_study_rebuilt_for_each_proposal_goes_on_like_one_that_was_never_interrupted() -> None:
    ours = run(NSGA2Method(SIZE), 60, space(), TWO)
    found = [(dict(one.parameters), one.notes["generation"]) for one in ours]
    assert found == optunas_own(60)
    assert max(generation for _, generation in found) >= 5, "several generations were bred"


def test_a_generation_ends_with_as_many_complete_trials_as_the_population_holds() -> None:
    found = run(NSGA2Method(SIZE), 60, space(), TWO)
    complete = Counter(one.notes["generation"] for one in found if one.state == "complete")
    assert {complete[generation] for generation in range(max(complete))} == {SIZE}


def test_without_its_notes_a_generation_would_be_lost() -> None:
    """With trials ahead, a generation holds more than a population, which positions alone do not tell."""
    method, found, n_ahead = NSGA2Method(SIZE), list[Observation](), 3
    for number in range(40):
        proposal = method.propose(space(), found[: max(0, number - n_ahead)], TWO, seed=number)
        assert proposal is not None
        found.append(replace(observe(proposal, 2), state="complete", values=(float(number % 7), float(number % 5))))
    noted = Counter(one.notes["generation"] for one in found)
    assert noted[0] == SIZE + n_ahead
    bare = [replace(one, notes={}) for one in found]
    assert method.propose(space(), bare, TWO, seed=40) != method.propose(space(), found, TWO, seed=40)


def test_an_anchor_may_have_offspring() -> None:
    """Every mask but the anchor is random and bad; the next generation takes more bits from the anchor."""
    assert _share_of_bits("all_tuned") - _share_of_bits("head_only") > 0.15


def _share_of_bits(anchor_mask: str) -> float:
    within = space(12)
    mask = getattr(within.partition, anchor_mask)()
    anchor = Observation(within.parameters(mask, 1e-4), "complete", (9.0, 0.0))
    others = [
        replace(one, state="complete", values=(0.0, 1.0), violations={})
        for one in run(NSGA2Method(SIZE), SIZE - 1, within, TWO)
    ]
    proposals = [NSGA2Method(SIZE).propose(within, [anchor, *others], TWO, seed=seed) for seed in range(40)]
    assert {one.notes["generation"] for one in proposals if one is not None} == {1}
    bits = [one.parameters[name] for one in proposals if one is not None for name in within.partition.searchable]
    return float(sum(bits) / len(bits))


def test_an_anchor_that_failed_takes_no_place_in_a_generation() -> None:
    within = space()
    anchors = [Observation(within.parameters(within.partition.head_only(), 1e-4), "failed")] * SIZE
    others = [replace(anchors[0], state="complete", values=(0.0, 1.0))] * (SIZE - 1)
    proposal = NSGA2Method(SIZE).propose(within, [*anchors, *others], TWO, seed=0)
    assert proposal is not None
    assert proposal.notes == {"generation": 0}
