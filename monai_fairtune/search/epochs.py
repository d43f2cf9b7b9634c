"""What the search makes of every epoch: a curve, the model to keep, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.exceptions import UndefinedMetricError
from monai_fairtune.metrics import auroc
from monai_fairtune.objectives import Objective
from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning import EpochReport, Verdict

__all__ = ["EpochJudge", "curve"]


class EpochJudge:
    """Answers a tuner after each epoch.

    The epoch kept is the best by the objective among those whose overall AUROC comes within ``utility_margin`` of
    the best of this training: a gap is small before anything is learned.

    Args:
        objective: what is optimised.
        utility_margin: how much overall AUROC may be given up.
        stops: called with an epoch, its objective and its overall AUROC; says whether to stop here.
        on_value: called with an epoch and its objective, for progress and storage.
    """

    def __init__(
        self,
        objective: Objective,
        utility_margin: float,
        stops: Callable[[int, float, float], bool] = lambda epoch, value, utility: False,  # noqa: ARG005
        on_value: Callable[[int, float], None] = lambda epoch, value: None,  # noqa: ARG005
    ) -> None:
        self.objective, self.utility_margin = objective, utility_margin
        self.stops, self.on_value = stops, on_value
        self.epochs: list[dict[str, Any]] = []
        self.value, self.utility = float("nan"), float("-inf")
        self.stopped = False
        self._best_utility = float("-inf")

    def __call__(self, report: EpochReport) -> Verdict:
        """See :data:`monai_fairtune.tuning.OnEpoch`."""
        value = self.objective.evaluate(report.validation)
        utility = auroc(report.validation.labels, report.validation.scores)
        keep = self._is_best(value, utility)
        if keep:
            self.value, self.utility = value, utility
        self.epochs.append(
            {
                "epoch": report.epoch,
                "loss": report.loss,
                "value": value,
                "train": None if report.train is None else curve(report.train),
                "validation": curve(report.validation),
            }
        )
        self.on_value(report.epoch, value)
        self.stopped = self.stops(report.epoch, value, utility)
        return Verdict(keep=keep, stop=self.stopped)

    def _is_best(self, value: float, utility: float) -> bool:
        self._best_utility = max(self._best_utility, utility)
        floor = self._best_utility - self.utility_margin
        if utility < floor:
            return False
        return self.utility < floor or self.objective.score(value) > self.objective.score(self.value)


def curve(predictions: Predictions) -> dict[str, Any]:
    """Returns overall and subgroup AUROCs, null where undefined."""
    return {
        "overall": _auroc(predictions, np.ones(len(predictions), dtype=bool)),
        "attributes": {
            attribute: {name: _auroc(predictions, member) for name, member in subgroups.items()}
            for attribute, subgroups in predictions.subgroups.items()
        },
    }


def _auroc(predictions: Predictions, member: NDArray[np.bool_]) -> float | None:
    try:
        return auroc(predictions.labels[member], predictions.scores[member])
    except UndefinedMetricError:
        return None
