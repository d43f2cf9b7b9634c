"""What the delivered model and the anchors reach on every split, and how they compare on the same test patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_fairtune.metrics import Resampling, Threshold, assess, choose_threshold, compare, fairness_generalization_gap
from monai_fairtune.predictions import Predictions, write_predictions
from monai_fairtune.search.files import write_json
from monai_fairtune.tuning import TunedModel, Tuner

__all__ = ["AssessedModel", "assess_splits"]

_SPLITS = ("train", "validation", "selection", "test")


@dataclass(frozen=True)
class AssessedModel:
    """A model's reports, and what it said about the test split.

    Args:
        name: of the model.
        reports: a report for each split, and ``fairness_generalization_gap``.
        test: the test split's predictions.
        threshold: chosen on validation.
    """

    name: str
    reports: Mapping[str, Any]
    test: Predictions
    threshold: Threshold

    def compared_with(self, other: AssessedModel, min_per_class: int, resampling: Resampling) -> dict[str, object]:
        """Returns the paired comparison on the test split, this model being ``a``."""
        return compare(
            self.test,
            other.test,
            self.threshold,
            other.threshold,
            names=(self.name, other.name),
            min_per_class=min_per_class,
            resampling=resampling,
        ).to_dict()


def assess_splits(
    tuner: Tuner, model: TunedModel, *, name: str, min_per_class: int, resampling: Resampling, keep: Path
) -> AssessedModel:
    """Assesses a model on each split, at the threshold chosen on validation.

    Only the test split gets intervals and tests: the others had a part in training or in the choice, and an interval
    would make their optimism look certain. This reads the test split, and keeps what the model says about it, for
    ``compare``: ``predictions.csv`` and its ``report.json``.

    Args:
        tuner: made the model.
        model: to assess.
        name: of the model.
        min_per_class: fewest positives and negatives for which a subgroup's AUROC is reported.
        resampling: how the intervals and tests of the test split are computed.
        keep: the folder that receives the test split's predictions, in the folder of all models' predictions.
    """
    predictions = {split: tuner.predict(model, split) for split in _SPLITS}
    threshold = choose_threshold(predictions["validation"])
    found = {
        split: assess(part, threshold, min_per_class=min_per_class, resampling=resampling if split == "test" else None)
        for split, part in predictions.items()
    }
    gaps = fairness_generalization_gap(found["train"], found["test"])
    reports: dict[str, Any] = {split: assessment.to_dict() for split, assessment in found.items()}
    reports["test"]["predictions"] = _keep(keep, predictions["test"], reports["test"])
    reports["fairness_generalization_gap"] = {
        attribute: {measure: value.to_dict() for measure, value in values.items()} for attribute, values in gaps.items()
    }
    return AssessedModel(name, reports, predictions["test"], threshold)


def _keep(folder: Path, predictions: Predictions, report: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a report says of the stored predictions, with their file's path within the output folder."""
    folder.mkdir(parents=True, exist_ok=True)
    entry = write_predictions(folder / "predictions.csv", predictions)
    write_json(folder / "report.json", {**report, "predictions": entry})
    return {**entry, "file": f"{folder.parent.name}/{folder.name}/{entry['file']}"}
