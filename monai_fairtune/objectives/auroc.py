"""Objectives on subgroup AUROCs."""

from __future__ import annotations

from monai_fairtune.metrics import Value, auroc, difference, smallest
from monai_fairtune.objectives.objective import SubgroupObjective
from monai_fairtune.predictions import Predictions

__all__ = ["AUROCGap", "WorstGroupAUROC"]


class WorstGroupAUROC(SubgroupObjective):
    """The lowest subgroup AUROC, the default: raising it takes a better model, not a worse one elsewhere.

    Example:
        >>> from monai_fairtune.subgroups import Subgroups
        >>> sex = Subgroups("sex", ("female", "male"), [0, 0, 0, 0, 1, 1, 1, 1])
        >>> predictions = Predictions([0, 0, 1, 1] * 2, [1, 2, 3, 4, 1, 3, 2, 4], kind="logit", subgroups={"sex": sex})
        >>> WorstGroupAUROC(["sex"]).evaluate(predictions)
        0.75
    """

    name = "worst_group_auroc"
    direction = "maximize"

    def evaluate(self, predictions: Predictions) -> float:
        """See ``Objective.evaluate``; undefined where a subgroup lacks positives or negatives."""
        return min(smallest(values).require() for values in _aurocs(self, predictions))


class AUROCGap(SubgroupObjective):
    """The highest minus the lowest subgroup AUROC; a constant predictor has the smallest there is, 0."""

    name = "auroc_gap"
    direction = "minimize"
    note = (
        "On small splits the AUROC gap mostly ranks the noise between seeds: four subgroups of 50 images show a gap "
        "above 0.1 on average where the true gap is 0. A model that is equally bad for everyone has a small gap too, "
        "so keep the utility floor. Prefer worst_group_auroc."
    )

    def evaluate(self, predictions: Predictions) -> float:
        """See ``Objective.evaluate``; undefined where a subgroup lacks a class or there are fewer than two."""
        return max(difference(values).require() for values in _aurocs(self, predictions))


def _aurocs(objective: SubgroupObjective, predictions: Predictions) -> list[dict[str, Value]]:
    labels, scores = predictions.labels, predictions.scores
    return objective.by_subgroup(predictions, lambda member: auroc(labels[member], scores[member]))
