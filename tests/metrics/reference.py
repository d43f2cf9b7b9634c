"""Every measure by a route of its own: scikit-learn where it has it, otherwise plain counting.

Nothing here is taken from the package; None stands for a number that the counts do not define.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sklearn
import sklearn.metrics as sk
from numpy.typing import NDArray
from scipy.optimize import brentq, root
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

__all__ = ["Images", "comparison_values", "detectable_gap", "values"]

_FAST = {"assume_finite": True, "skip_parameter_validation": True}


@dataclass(frozen=True)
class Images:
    """Labels, scores, probabilities and decisions of some images, and the fewest of a class for ranks."""

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    decisions: NDArray[np.bool_]
    min_per_class: int


def values(images: Images) -> dict[str, float | None]:
    """Returns every measure of ``docs/metrics.md`` for one set of images."""
    with sklearn.config_context(**_FAST):
        return {**_rates(images), **_ranks(images), **_losses(images), **_calibration(images)}


def _over(top: float, bottom: float) -> float | None:
    return top / bottom if bottom else None


def _rates(images: Images) -> dict[str, float | None]:
    hits = misses = alarms = passes = 0
    for label, called in zip(images.labels.tolist(), images.decisions.tolist(), strict=True):
        hits += label == 1 and called
        misses += label == 1 and not called
        alarms += label == 0 and called
        passes += label == 0 and not called
    n = hits + misses + alarms + passes
    tpr, tnr = _over(hits, hits + misses), _over(passes, passes + alarms)
    fnr, fpr = _over(misses, hits + misses), _over(alarms, passes + alarms)
    return {
        "accuracy": _over(hits + passes, n),
        "balanced_accuracy": None if tpr is None or tnr is None else (tpr + tnr) / 2,
        "tpr": tpr,
        "fpr": fpr,
        "tnr": tnr,
        "fnr": fnr,
        "underdiagnosis_rate": fnr,
        "overdiagnosis_rate": fpr,
        "ppv": _over(hits, hits + alarms),
        "npv": _over(passes, passes + misses),
        "positive_rate": _over(hits + alarms, n),
        "fn_per_1000": _over(1000 * misses, n),
        "fp_per_1000": _over(1000 * alarms, n),
    }


def _ranks(images: Images) -> dict[str, float | None]:
    n_positive = int(images.labels.sum())
    n_negative = len(images.labels) - n_positive
    if min(n_positive, n_negative) < images.min_per_class:
        return {"auroc": None, "tpr_at_specificity_90": None}
    fpr, tpr, _ = sk.roc_curve(images.labels, images.scores, drop_intermediate=False)
    specific = 10 * np.round(fpr * n_negative) <= n_negative
    return {"auroc": float(sk.auc(fpr, tpr)), "tpr_at_specificity_90": float(tpr[specific].max())}


def _losses(images: Images) -> dict[str, float | None]:
    labels, probabilities = images.labels, images.probabilities
    if not len(labels):
        return {"log_loss": None, "brier": None, "ece": None}
    observed, predicted = calibration_curve(labels, probabilities, n_bins=15, pos_label=1)
    bins = np.searchsorted(np.linspace(0, 1, 16)[1:-1], probabilities)
    shares = np.unique(bins, return_counts=True)[1] / len(labels)
    ruled_out = any(p == 1 - y for p, y in zip(probabilities.tolist(), labels.tolist(), strict=True))
    return {
        "log_loss": None if ruled_out else float(sk.log_loss(labels, probabilities, labels=[0, 1])),
        "brier": float(sk.brier_score_loss(labels, probabilities, pos_label=1)),
        "ece": float(np.sum(shares * np.abs(observed - predicted))),
    }


def _calibration(images: Images) -> dict[str, float | None]:
    labels, probabilities = images.labels, images.probabilities
    n_positive = int(labels.sum())
    certain = bool(np.any((probabilities == 0) | (probabilities == 1)))
    if certain or n_positive in (0, len(labels)):
        return {"calibration_intercept": None, "calibration_slope": None}
    logits = np.log(probabilities) - np.log1p(-probabilities)
    intercept = brentq(lambda raised: float(np.sum(labels - expit(logits + raised))), -60, 60, xtol=1e-14)
    low, high = logits[labels == 0], logits[labels == 1]
    # A line through the log-odds has a finite best fit only where the classes overlap.
    overlap = low.max() > high.min() and high.max() > low.min()
    return {"calibration_intercept": float(intercept), "calibration_slope": _slope(labels, logits) if overlap else None}


def _slope(labels: NDArray[np.int64], logits: NDArray[np.float64]) -> float:
    """Returns scikit-learn's slope, which is good to some 1e-4 at this tolerance, polished by SciPy's root finder."""
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-6, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it may stop short of its own tolerance
        model.fit(logits[:, None], labels)

    def score(line: NDArray[np.float64]) -> list[float]:
        residual = labels - expit(line[0] + line[1] * logits)
        return [float(residual.sum()), float(residual @ logits)]

    start = [float(model.intercept_[0]), float(model.coef_[0, 0])]
    slope = float(root(score, start, tol=1e-14).x[1])
    assert abs(slope - start[1]) <= 1e-3 * (1 + abs(slope))
    return slope


_SMALLEST = {
    "worst_group_auroc": "auroc",
    "worst_group_accuracy": "accuracy",
    "worst_group_tpr_at_specificity_90": "tpr_at_specificity_90",
}
_LARGEST = {
    "best_group_auroc": "auroc",
    "largest_subgroup_loss": "log_loss",
    "largest_brier": "brier",
    "largest_ece": "ece",
}
_DIFFERENCES = {
    "auroc_gap": ["auroc"],
    "accuracy_gap": ["accuracy"],
    "tpr_at_specificity_90_gap": ["tpr_at_specificity_90"],
    "equalized_odds_difference": ["tpr", "fpr"],
    "equal_opportunity_difference": ["tpr"],
    "demographic_parity_difference": ["positive_rate"],
    "predictive_parity_difference": ["ppv"],
    "underdiagnosis_rate_difference": ["fnr"],
    "fn_per_1000_difference": ["fn_per_1000"],
    "fp_per_1000_difference": ["fp_per_1000"],
}
_RATIOS = {
    "equalized_odds_ratio": ["tpr", "fpr"],
    "demographic_parity_ratio": ["positive_rate"],
    "predictive_parity_ratio": ["ppv"],
}


def comparison_values(
    subgroups: Sequence[Mapping[str, float | None]], overall_auroc: float | None
) -> dict[str, float | None]:
    """Returns every comparison of subgroups, from what ``values`` returned for each; at least two subgroups."""
    taken = {key: [subgroup[key] for subgroup in subgroups] for key in subgroups[0]}
    known = {key: [v for v in column if v is not None] for key, column in taken.items()}
    complete = {key: len(known[key]) == len(subgroups) for key in taken}
    found: dict[str, float | None] = {}
    for name, key in _SMALLEST.items():
        found[name] = sorted(known[key])[0] if complete[key] else None
    for name, key in _LARGEST.items():
        found[name] = sorted(known[key])[-1] if complete[key] else None
    for name, keys in _DIFFERENCES.items():
        pairs = [abs(a - b) for key in keys for a in known[key] for b in known[key]]
        found[name] = max(pairs) if all(complete[key] for key in keys) else None
    for name, keys in _RATIOS.items():
        defined = all(complete[key] and any(known[key]) for key in keys)
        found[name] = min(a / b for key in keys for a in known[key] for b in known[key] if b) if defined else None
    aurocs = np.array(known["auroc"]) if complete["auroc"] else None
    found["distance_to_optimal"] = None if aurocs is None else float(np.linalg.norm(1 - aurocs))
    found["equity_scaled_auroc"] = (
        None
        if aurocs is None or overall_auroc is None
        else float(overall_auroc / (1 + np.abs(aurocs - overall_auroc).sum()))
    )
    return found


def detectable_gap(counts: Sequence[tuple[int, int]]) -> float | None:
    """Returns the smallest AUROC difference that ``(n_negative, n_positive)`` of subgroups show: 5 %, power 80 %."""
    if min(min(pair) for pair in counts) < 1:
        return None

    def variance(area: float, n_negative: int, n_positive: int) -> float:
        q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
        spread = area * (1 - area) + (n_positive - 1) * (q1 - area**2) + (n_negative - 1) * (q2 - area**2)
        return spread / (n_negative * n_positive)

    def seen(gap: float) -> bool:
        errors = [
            math.sqrt(variance(0.8, *a) + variance(max(0.8 - gap, 0.5), *b))
            for i, a in enumerate(counts)
            for j, b in enumerate(counts)
            if i != j
        ]
        return gap > (1.959963984540054 + 0.8416212335729143) * max(errors)

    low, high = 0.0, 0.8
    if not seen(high):
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high
