"""Subgroup metrics of whole splits, in float64 and without torch."""

from monai_fairtune.metrics.aggregate import difference, distance_to_optimal, equity_scaled, largest, ratio, smallest
from monai_fairtune.metrics.assessment import Assessment, AttributeAssessment, PairAssessment, SubgroupAssessment
from monai_fairtune.metrics.assessor import assess
from monai_fairtune.metrics.calibration import expected_calibration_error
from monai_fairtune.metrics.calibration_fit import calibration_intercept, calibration_slope
from monai_fairtune.metrics.compare import compare
from monai_fairtune.metrics.comparison import Comparison
from monai_fairtune.metrics.deviation import Deviation, Images, auroc_deviation, score_deviation, share_deviation
from monai_fairtune.metrics.disaggregate import by_subgroup
from monai_fairtune.metrics.generalization import fairness_generalization_gap
from monai_fairtune.metrics.loss import brier_score, log_loss
from monai_fairtune.metrics.multiclass import MulticlassAssessment, assess_each
from monai_fairtune.metrics.ranking import auroc, sensitivity_at_specificity
from monai_fairtune.metrics.rates import (
    accuracy,
    balanced_accuracy,
    false_negative_rate,
    false_negatives_per_1000,
    false_positive_rate,
    false_positives_per_1000,
    negative_predictive_value,
    positive_predictive_value,
    positive_rate,
    true_negative_rate,
    true_positive_rate,
)
from monai_fairtune.metrics.resampling import Resampling
from monai_fairtune.metrics.surveillance import Direction, Judgement, Surveillance
from monai_fairtune.metrics.threshold import Threshold, choose_threshold
from monai_fairtune.metrics.value import Value

__all__ = [
    "Assessment",
    "AttributeAssessment",
    "Comparison",
    "Deviation",
    "Direction",
    "Images",
    "Judgement",
    "MulticlassAssessment",
    "PairAssessment",
    "Resampling",
    "SubgroupAssessment",
    "Surveillance",
    "Threshold",
    "Value",
    "accuracy",
    "assess",
    "assess_each",
    "auroc",
    "auroc_deviation",
    "balanced_accuracy",
    "brier_score",
    "by_subgroup",
    "calibration_intercept",
    "calibration_slope",
    "choose_threshold",
    "compare",
    "difference",
    "distance_to_optimal",
    "equity_scaled",
    "expected_calibration_error",
    "fairness_generalization_gap",
    "false_negative_rate",
    "false_negatives_per_1000",
    "false_positive_rate",
    "false_positives_per_1000",
    "largest",
    "log_loss",
    "negative_predictive_value",
    "positive_predictive_value",
    "positive_rate",
    "ratio",
    "score_deviation",
    "sensitivity_at_specificity",
    "share_deviation",
    "smallest",
    "true_negative_rate",
    "true_positive_rate",
]
