"""Who is trained again: the best candidates, by what their values are worth once noise is taken into account."""

from __future__ import annotations

from collections.abc import Mapping

from monai_fairtune.exceptions import NoFeasibleTrialError
from monai_fairtune.masks import Mask
from monai_fairtune.search.candidates import Candidate, candidates
from monai_fairtune.search.floor import UtilityFloor
from monai_fairtune.search.goals import Goals
from monai_fairtune.search.job import Job
from monai_fairtune.search.noise import shrunken_estimates
from monai_fairtune.search.pareto import non_dominated
from monai_fairtune.search.records import TrialRecords
from monai_fairtune.search.settings import SearchSettings

__all__ = ["confirmation_jobs", "confirmation_key", "rank_candidates"]


def rank_candidates(
    records: TrialRecords, floor: UtilityFloor, settings: SearchSettings, goals: Goals
) -> list[Candidate]:
    """Returns the feasible candidates, the best first.

    With one objective they are ordered by the estimate of their true value: a mean over few seeds is drawn towards
    the mean of all masks, so that a lucky draw does not lead (``noise``). Where noise cannot be estimated, the means
    decide. With several objectives those on the Pareto front come first, by the deciding objective.

    Raises:
        NoFeasibleTrialError: if there is none.
    """
    found = candidates(records.all, floor.value, settings.max_trained_share)
    if not found:
        best = max((record.overall_auroc or 0.0 for record in records.complete), default=0.0)
        raise NoFeasibleTrialError(
            f"No trial reaches the utility floor {floor.value:.3f}; the best overall validation AUROC is "
            f"{best:.3f}. Lower utility_floor, or allow more epochs or trials."
        )
    score = goals.first.score
    estimates = shrunken_estimates([one.values for one in found])
    behind = [False] * len(found)
    if len(goals.names) > 1:
        front = set(non_dominated([one.all_values for one in found], goals.directions))
        behind = [place not in front for place in range(len(found))]
    order = sorted(range(len(found)), key=lambda at: (behind[at], -score(estimates[at]), found[at].first.number))
    return [found[at] for at in order]


def confirmation_key(job_mask: Mask, learning_rate: float, replicate: int) -> str:
    """Returns the key of a retraining's job."""
    return f"confirmation/{job_mask.key}-{learning_rate:.6g}-{replicate}"


def confirmation_jobs(finalists: Mapping[int, tuple[Candidate, Mask]], settings: SearchSettings) -> list[Job]:
    """Returns the retrainings of the finalists, each with ``n_seeds`` fresh seeds.

    Args:
        finalists: by the number of their first trial.
        settings: of the search.
    """
    return [
        Job(
            confirmation_key(mask, one.first.hyperparameters["learning_rate"], replicate),
            "confirmation",
            number,
            one.first.mask,
            one.first.hyperparameters["learning_rate"],
            one.first.name,
            replicate=replicate,
            keeps_model=True,
            follows_train=True,
        )
        for number, (one, mask) in finalists.items()
        for replicate in range(1, settings.n_seeds + 1)
    ]
