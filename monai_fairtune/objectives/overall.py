"""Objectives that look at no subgroup, for comparison."""

from __future__ import annotations

from monai_fairtune.metrics import Value, accuracy, auroc, choose_threshold
from monai_fairtune.objectives.objective import Objective
from monai_fairtune.predictions import Predictions

__all__ = ["OverallAUROC", "OverallAccuracy"]

_NOTE = "It looks at no subgroup: the worst-off subgroup may lose while it rises."


class OverallAUROC(Objective):
    """The AUROC of the whole split, images without a recorded attribute included; the utility of a model."""

    name = "overall_auroc"
    direction = "maximize"
    note = _NOTE

    def evaluate(self, predictions: Predictions) -> float:
        """See ``Objective.evaluate``; undefined where the split holds one class."""
        return Value.of(lambda: auroc(predictions.labels, predictions.scores), "The split").require()


class OverallAccuracy(Objective):
    """The accuracy on the whole split, at the Youden threshold of the same predictions."""

    name = "overall_accuracy"
    direction = "maximize"
    note = _NOTE

    def evaluate(self, predictions: Predictions) -> float:
        """See ``Objective.evaluate``; undefined where the split holds one class."""
        return accuracy(predictions.labels, choose_threshold(predictions).decide(predictions))
