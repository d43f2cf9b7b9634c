"""What the stored measures are called, and how their numbers are written."""

from __future__ import annotations

__all__ = ["COMPARISONS", "MEASURES", "digits_of", "interval_words"]

MEASURES = {
    "auroc": "AUROC",
    "tpr_at_specificity_90": "TPR at specificity 0.90",
    "tpr": "TPR",
    "fpr": "FPR",
    "tnr": "TNR",
    "fnr": "FNR",
    "ppv": "PPV",
    "npv": "NPV",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "positive_rate": "positive rate",
    "underdiagnosis_rate": "underdiagnosis rate",
    "overdiagnosis_rate": "overdiagnosis rate",
    "fn_per_1000": "missed per 1000",
    "fp_per_1000": "false alarms per 1000",
    "log_loss": "log loss",
    "brier": "Brier",
    "ece": "ECE",
    "calibration_intercept": "calibration intercept",
    "calibration_slope": "calibration slope",
}
"""Measures of one set of images."""

COMPARISONS = {
    "worst_group_auroc": "worst-group AUROC",
    "best_group_auroc": "best-group AUROC",
    "auroc_gap": "AUROC gap",
    "worst_group_tpr_at_specificity_90": "worst-group TPR at specificity 0.90",
    "tpr_at_specificity_90_gap": "gap of TPR at specificity 0.90",
    "worst_group_accuracy": "worst-group accuracy",
    "accuracy_gap": "accuracy gap",
    "equalized_odds_difference": "equalized odds difference",
    "equalized_odds_ratio": "equalized odds ratio",
    "equal_opportunity_difference": "equal opportunity difference",
    "underdiagnosis_rate_difference": "underdiagnosis rate difference",
    "demographic_parity_difference": "demographic parity difference",
    "demographic_parity_ratio": "demographic parity ratio",
    "predictive_parity_difference": "predictive parity difference",
    "predictive_parity_ratio": "predictive parity ratio",
    "fn_per_1000_difference": "difference in missed per 1000",
    "fp_per_1000_difference": "difference in false alarms per 1000",
    "equity_scaled_auroc": "equity-scaled AUROC",
    "distance_to_optimal": "distance to optimal",
    "largest_subgroup_loss": "largest subgroup loss",
    "largest_brier": "largest Brier score",
    "largest_ece": "largest ECE",
    "minimum_detectable_gap": "minimum detectable AUROC gap",
}
"""Comparisons of an attribute's subgroups."""

_INTERVALS = {
    "delong": "DeLong",
    "logit": "DeLong on the logit scale",
    "wilson": "Wilson",
    "percentile": "bootstrap of patients, percentile",
    "extreme": "from the subgroups' own intervals (extreme)",
    "mover": "MOVER, from the subgroups' own intervals",
    "bootstrap": "bootstrap of patients",
}


def interval_words(method: str) -> str:
    """Returns how an interval was computed, in words; the stored name where it is a new one."""
    return _INTERVALS.get(method, method)


def digits_of(measure: str) -> int:
    """Returns how many decimals a measure is written with.

    Example:
        >>> digits_of("auroc"), digits_of("fn_per_1000_difference")
        (3, 0)
    """
    return 0 if "per_1000" in measure else 3
