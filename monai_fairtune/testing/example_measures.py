"""Every measure of a report for one set of images, with intervals that are plausible and cost nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["curves", "interval", "measures"]

_GRID = np.linspace(0.0, 1.0, 101)
_Floats = NDArray[np.float64]
_Value = dict[str, Any]


def interval(value: float, error: float, method: str, low: float = 0.0, high: float = 1.0) -> _Value:
    """Returns a value with an interval of 1.96 errors on either side, kept within limits that hold the value.

    Example:
        >>> interval(0.5, 0.1, "percentile")
        {'value': 0.5, 'low': 0.304, 'high': 0.696, 'interval': 'percentile'}
    """
    ends = (max(low, value - 1.96 * error), min(high, value + 1.96 * error))
    return {"value": value, "low": round(min(*ends, value), 6), "high": round(max(*ends, value), 6), "interval": method}


def measures(labels: NDArray[np.int64], logits: _Floats, threshold: float, told: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a subgroup; what an assessment has told already is kept, and given an interval.

    Args:
        labels: 0 or 1.
        logits: scores.
        threshold: probability from which an image is called positive.
        told: the entry of an assessment without intervals.
    """
    called, positive = expit(logits) >= threshold, labels == 1
    cells = {(a, b): int(np.sum((called == a) & (positive == b))) for a in (True, False) for b in (True, False)}
    tp, fp, fn, tn = cells[True, True], cells[True, False], cells[False, True], cells[False, False]
    shares = {
        "tpr": (tp, tp + fn),
        "fnr": (fn, tp + fn),
        "underdiagnosis_rate": (fn, tp + fn),
        "fpr": (fp, fp + tn),
        "tnr": (tn, fp + tn),
        "overdiagnosis_rate": (fp, fp + tn),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
        "accuracy": (tp + tn, len(labels)),
        "positive_rate": (tp + fp, len(labels)),
    }
    found = {name: _share(*counts) for name, counts in shares.items()}
    found |= {f"{name}_per_1000": _share(count, len(labels), 1000) for name, count in (("fn", fn), ("fp", fp))}
    return {**told, **found, **_others(labels, logits, told, found)}


def _share(count: int, n: int, scale: float = 1.0) -> _Value:
    if n == 0:
        return {"value": None, "reason": "it holds 0 images of this kind"}
    share, z2 = count / n, 1.96**2
    centre, half = (share + z2 / 2 / n), 1.96 * math.sqrt(share * (1 - share) / n + z2 / 4 / n**2)
    ends = [scale * min(1.0, max(0.0, (centre + sign * half) / (1 + z2 / n))) for sign in (-1, 1)]
    value = scale * share
    return {"value": value, "low": min(ends[0], value), "high": max(ends[1], value), "interval": "wilson"}


def _others(
    labels: NDArray[np.int64], logits: _Floats, told: Mapping[str, Any], rates: Mapping[str, _Value]
) -> dict[str, Any]:
    n, n_positive = len(labels), int(labels.sum())
    few = max(1, min(n_positive, n - n_positive))
    undefined = {"value": None, "reason": told["auroc"].get("reason") or "undefined"}
    found: dict[str, Any] = {
        name: interval(told[name]["value"], 0.6 * told[name]["value"] / math.sqrt(n), "percentile", 0.0, 10.0)
        for name in ("log_loss", "brier", "ece")
        if told[name].get("value") is not None
    }
    if "ece" in found:
        found["ece"]["caution"] = (
            "The calibration error of a small subgroup is biased upwards, and its interval with it."
        )
    names = ("auroc", "tpr_at_specificity_90", "balanced_accuracy", "calibration_intercept", "calibration_slope")
    if undefined["reason"] != "undefined" or rates["tpr"].get("value") is None:
        return {**found, **dict.fromkeys(names, undefined)}
    auroc = told["auroc"]["value"]
    at_90 = float(np.mean(logits[labels == 1] > np.quantile(logits[labels == 0], 0.9)))
    balanced = (rates["tpr"]["value"] + rates["tnr"]["value"]) / 2
    values: list[tuple[float, float, str, float]] = [
        (auroc, math.sqrt(auroc * (1 - auroc) / few / 2), "logit", 1.0),
        (at_90, math.sqrt(at_90 * (1 - at_90) / few), "percentile", 1.0),
        (balanced, 0.4 / math.sqrt(few), "percentile", 1.0),
        (0.04, 0.9 / math.sqrt(few), "percentile", 9.0),
        (1.02, 0.8 / math.sqrt(few), "percentile", 9.0),
    ]
    for name, (value, error, method, high) in zip(names, values, strict=True):
        found[name] = interval(value, error, method, -high if high > 1 else 0.0, high)
    return found


def curves(labels: NDArray[np.int64], logits: _Floats) -> dict[str, Any] | None:
    """Returns the ROC curve with a band and the calibration curve of some images; None where a class is absent."""
    positive, negative = np.sort(logits[labels == 1]), np.sort(logits[labels == 0])
    if not len(positive) or not len(negative):
        return None
    tpr = np.array([np.mean(positive >= np.quantile(negative, 1 - x)) for x in _GRID])
    tpr[0], tpr[-1] = 0.0, 1.0
    half = 1.96 * np.sqrt((tpr * (1 - tpr) + 0.01) / len(positive))
    ends = {"low": np.clip(tpr - half, 0, 1), "high": np.clip(tpr + half, 0, 1)}
    roc = {"fpr": _GRID, "tpr": tpr, **ends}
    return {
        "roc": {name: [round(float(x), 6) for x in line] for name, line in roc.items()},
        "calibration": _bins(labels, expit(logits), _share),
    }


def _bins(
    labels: NDArray[np.int64], probabilities: _Floats, share: Callable[[int, int], _Value]
) -> list[dict[str, Any]]:
    order = np.argsort(probabilities)
    bins = [part for part in np.array_split(order, min(10, max(2, len(order) // 25))) if len(part)]
    found = []
    for part in bins:
        value = share(int(labels[part].sum()), len(part))
        ends = {"share_positive": value["value"], "low": value["low"], "high": value["high"]}
        found.append({"n": len(part), "mean_probability": float(probabilities[part].mean()), **ends})
    return found
