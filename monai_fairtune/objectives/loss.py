"""The objective on subgroup losses."""

from __future__ import annotations

from monai_fairtune.metrics import largest, log_loss
from monai_fairtune.objectives.objective import SubgroupObjective
from monai_fairtune.predictions import Predictions

__all__ = ["LargestSubgroupLoss"]


class LargestSubgroupLoss(SubgroupObjective):
    """The highest mean cross-entropy of a subgroup, in nats; the paper's outer loss.

    Each subgroup's is a mean over its images, so that a subgroup's size does not enter.

    Source:
        Dutt et al., "FairTune: Optimizing parameter efficient fine tuning for fairness in medical image analysis",
        ICLR 2024, arXiv 2310.05055.
    """

    name = "largest_subgroup_loss"
    direction = "minimize"
    note = (
        "A subgroup's loss follows its prevalence and the model's confidence as well as the order of its scores: an "
        "equally good model has a higher loss where the two classes are equally common."
    )

    def evaluate(self, predictions: Predictions) -> float:
        """See ``Objective.evaluate``; undefined where a subgroup is empty or a probability rules out its label."""
        labels, scores, kind = predictions.labels, predictions.scores, predictions.kind
        losses = self.by_subgroup(predictions, lambda member: log_loss(labels[member], scores[member], kind=kind))
        return max(largest(values).require() for values in losses)
