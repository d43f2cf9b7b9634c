"""How much of a found value is luck: what a search must say beside its answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.predictions import Predictions
from monai_fairtune.search.candidates import Candidate
from monai_fairtune.search.confirmation import Finalist, Retraining
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.noise import SeedNoise
from monai_fairtune.search.pareto import non_dominated
from monai_fairtune.search.records import TrialRecords

__all__ = ["describe_faults", "describe_front", "describe_noise", "describe_optimism"]


def describe_optimism(
    finalist: Finalist, chosen: Retraining, goals: Goals, test: Predictions, estimate: float
) -> dict[str, Any]:
    """Returns the deciding objective of the answer where it was searched, selected and tested, side by side.

    Args:
        finalist: that was chosen.
        chosen: its retraining that is delivered.
        goals: of the search.
        test: what the delivered model says about the test split.
        estimate: the candidate's value once noise is taken into account.

    Returns:
        ``searched`` (the mean that the candidate had on validation when it became a finalist), ``estimate``,
        ``validation`` (of the delivered retraining), ``selection`` (the mean over the retrainings),
        ``delivered_selection``, ``test`` (null with a ``reason`` where undefined), and ``found``: by how much
        ``searched`` was better than ``test``, positive if the search was too optimistic.
    """
    objective = goals.first
    searched = finalist.candidate.value
    found: dict[str, Any] = {
        "searched": searched,
        "n_seeds": len(finalist.candidate.values),
        "estimate": estimate,
        "validation": chosen.record.value,
        "selection": finalist.selection_value,
        "delivered_selection": chosen.value,
    }
    try:
        tested = objective.evaluate(test)
    except UndefinedMetricError as error:
        return found | {"test": None, "found": None, "reason": str(error)}
    return found | {"test": tested, "found": objective.score(searched) - objective.score(tested)}


def describe_front(candidates: Sequence[Candidate], goals: Goals) -> list[dict[str, Any]]:
    """Returns the feasible candidates that no other one is better than by every objective; empty with one objective."""
    if len(goals.names) == 1:
        return []
    places = non_dominated([one.all_values for one in candidates], goals.directions)
    return [
        {
            "trial": candidates[at].first.number,
            "name": _name(candidates[at]),
            "values": dict(zip(goals.names, candidates[at].all_values, strict=True)),
            "trained_share": candidates[at].first.trained_share,
        }
        for at in places
    ]


def describe_faults(records: TrialRecords) -> dict[str, Any]:
    """Returns how many trainings had to be tried again, and after what."""
    found = [record for record in map(records.find, sorted(records.keys)) if record is not None]
    return {
        "n_repeated_attempts": sum(record.attempts - 1 for record in found),
        "by_kind": dict(sorted(Counter(fault for record in found for fault in record.faults).items())),
        "n_halved_batches": sum(record.accumulation_steps > 1 for record in found),
    }


def describe_noise(feasible: Sequence[Candidate], finalists: Sequence[Finalist], goals: Goals) -> dict[str, Any]:
    """Returns how much the deciding objective varies between seeds and between masks, and what is not told apart.

    Values on validation are used: those of the search, and those of the retrainings of the finalists.

    Args:
        feasible: candidates, by the number of their first trials.
        finalists: the chosen one first.
        goals: of the search.

    Returns:
        ``n_masks``, ``n_masks_repeated``, ``n_degrees``; ``seeds`` and ``masks`` (standard deviations, null with a
        ``reason`` where undefined), ``reliability`` (the share of the variance of single values that masks account
        for), ``estimate`` (of the chosen candidate), and ``not_told_apart``: the candidates whose means do not differ
        from the chosen one's by more than noise explains.
    """
    score = goals.first.score
    by_trial = {finalist.trial.number: _validation_values(finalist) for finalist in finalists}
    groups = [[*one.values, *by_trial.get(one.first.number, ())] for one in feasible]
    noise = SeedNoise(groups, chosen_by_first=True)
    chosen = next(at for at, one in enumerate(feasible) if one.first.number == finalists[0].trial.number)
    seeds, masks = noise.between_seeds, noise.between_masks
    alike: list[int] = []
    reliability = None
    if seeds.value is not None and masks.value is not None:
        alike = noise.not_told_apart(chosen, [at for at in range(len(feasible)) if at != chosen])
        variance = masks.value**2 + seeds.value**2
        reliability = masks.value**2 / variance if variance else None
    return {
        "n_masks": len(groups),
        "n_masks_repeated": sum(len(group) > 1 for group in groups),
        "n_degrees": noise.degrees_of_freedom,
        "seeds": seeds.to_dict(),
        "masks": masks.to_dict(),
        "reliability": reliability,
        "estimate": noise.estimates[chosen],
        "not_told_apart": [
            {
                "trial": feasible[at].first.number,
                "name": _name(feasible[at]),
                "value": float(noise.means[at]),
                "difference": score(float(noise.means[chosen])) - score(float(noise.means[at])),
            }
            for at in sorted(alike, key=lambda at: -score(float(noise.means[at])))
        ],
    }


def _validation_values(finalist: Finalist) -> list[float]:
    """What retrainings reached on validation; with k-fold validation the search's values are of other images."""
    if finalist.trial.folds:
        return []
    return [again.record.value for again in finalist.retrainings if again.record.value is not None]


def _name(candidate: Candidate) -> str:
    return candidate.first.name or f"trial {candidate.first.number}"
