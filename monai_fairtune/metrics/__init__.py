"""Subgroup metrics of whole splits, in float64 and without torch."""

from monai_fairtune.metrics.aggregate import difference, distance_to_optimal, equity_scaled, largest, ratio, smallest
from monai_fairtune.metrics.assessment import Assessment, AttributeAssessment, SubgroupAssessment
from monai_fairtune.metrics.assessor import assess
from monai_fairtune.metrics.calibration import expected_calibration_error
from monai_fairtune.metrics.disaggregate import by_subgroup
from monai_fairtune.metrics.generalization import fairness_generalization_gap
from monai_fairtune.metrics.loss import brier_score, log_loss
from monai_fairtune.metrics.ranking import auroc
from monai_fairtune.metrics.rates import accuracy, false_positive_rate, positive_rate, true_positive_rate
from monai_fairtune.metrics.threshold import Threshold, choose_threshold
from monai_fairtune.metrics.value import Value

__all__ = [
    "Assessment",
    "AttributeAssessment",
    "SubgroupAssessment",
    "Threshold",
    "Value",
    "accuracy",
    "assess",
    "auroc",
    "brier_score",
    "by_subgroup",
    "choose_threshold",
    "difference",
    "distance_to_optimal",
    "equity_scaled",
    "expected_calibration_error",
    "fairness_generalization_gap",
    "false_positive_rate",
    "largest",
    "log_loss",
    "positive_rate",
    "ratio",
    "smallest",
    "true_positive_rate",
]
