"""Objectives on subgroup accuracies.

The threshold is Youden's, chosen on the very predictions that are evaluated: there is no other split inside a search,
and a fixed 0.5 would compare models by their calibration. It is the same for all subgroups.
"""

from __future__ import annotations

from monai_fairtune.metrics import Value, accuracy, choose_threshold, difference, smallest
from monai_fairtune.objectives.objective import SubgroupObjective
from monai_fairtune.predictions import Predictions

__all__ = ["AccuracyGap", "WorstGroupAccuracy"]

_NOTE = (
    "Accuracy follows prevalence: where most images are of one class, calling them all that class scores high. "
    "It is taken at the Youden threshold of the same predictions. Prefer worst_group_auroc."
)


class WorstGroupAccuracy(SubgroupObjective):
    """The lowest subgroup accuracy, at the Youden threshold of the same predictions."""

    name = "worst_group_accuracy"
    direction = "maximize"
    note = _NOTE

    def evaluate(self, predictions: Predictions) -> float:
        """See ``Objective.evaluate``; undefined where a subgroup is empty or the split holds one class."""
        return min(smallest(values).require() for values in _accuracies(self, predictions))


class AccuracyGap(SubgroupObjective):
    """The highest minus the lowest subgroup accuracy, at the Youden threshold of the same predictions."""

    name = "accuracy_gap"
    direction = "minimize"
    note = (
        "The accuracy gap is small for a model that is equally bad for everyone, so keep the utility floor, and on "
        f"small splits it mostly ranks noise. {_NOTE}"
    )

    def evaluate(self, predictions: Predictions) -> float:
        """See ``Objective.evaluate``; undefined where a subgroup is empty, or there are fewer than two."""
        return max(difference(values).require() for values in _accuracies(self, predictions))


def _accuracies(objective: SubgroupObjective, predictions: Predictions) -> list[dict[str, Value]]:
    labels, decisions = predictions.labels, choose_threshold(predictions).decide(predictions)
    return objective.by_subgroup(predictions, lambda member: accuracy(labels[member], decisions[member]))
