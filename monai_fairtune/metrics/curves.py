"""ROC and calibration curves with bands, as data that a report draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics.cell import Cell
from monai_fairtune.metrics.estimate import RateEstimate

__all__ = ["Curves", "draw_curves"]

_GRID = np.linspace(0, 1, 101)
_MOST_BINS = 10
_IMAGES_A_BIN = 20


@dataclass(frozen=True)
class Curves:
    """The curves of some images, with pointwise 95 % bands.

    Args:
        roc: lists ``fpr``, ``tpr``, ``low`` and ``high`` of one length, or None where a class is too small.
        calibration: one entry a bin of equally many images, or None where there are too few.
    """

    roc: Mapping[str, list[float]] | None
    calibration: tuple[Mapping[str, float], ...] | None

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            "roc": None if self.roc is None else dict(self.roc),
            "calibration": None if self.calibration is None else [dict(entry) for entry in self.calibration],
        }


def draw_curves(cell: Cell) -> Curves:
    """Returns the curves of a cell.

    The bands hold at each point, not for the whole curve. That of the ROC curve is for the true positive rate at a
    false positive rate: Wilson's interval by patients, with the threshold's own uncertainty added through the slope of
    the curve. That of the calibration curve is Wilson's, by patients.
    """
    small = min(cell.n_positive, len(cell) - cell.n_positive) < cell.min_per_class
    return Curves(None if small else _roc(cell), None if len(cell) < 2 * _IMAGES_A_BIN else _calibration(cell))


def _roc(cell: Cell) -> dict[str, list[float]]:
    positive = cell.labels == 1
    negatives, positives = np.sort(cell.scores[~positive])[::-1], np.sort(cell.scores[positive])
    # The k-th highest negative score: thresholds just above it let fewer than k negatives through.
    allowed = np.floor(_GRID * len(negatives) + 1e-9).astype(int)
    thresholds = np.append(negatives, -np.inf)[allowed]
    tpr = 1 - np.searchsorted(positives, thresholds, side="right") / len(positives)
    tpr[allowed == len(negatives)] = 1.0
    units = cell.counts["positive"][1], cell.counts["negative"][1]
    bands = np.array([_band(k, tpr, *units) for k in range(len(_GRID))])
    return {
        "fpr": _GRID.round(2).tolist(),
        "tpr": tpr.tolist(),
        "low": np.maximum.accumulate(np.minimum(bands[:, 0], tpr)).tolist(),
        "high": np.maximum.accumulate(np.maximum(bands[:, 1], tpr)).tolist(),
    }


def _band(k: int, tpr: NDArray[np.float64], n_positive: int, n_negative: int) -> tuple[float, float]:
    reach = max(1, round(100 * np.sqrt(max(_GRID[k] * (1 - _GRID[k]), 0.01) / n_negative)))
    left, right = max(k - reach, 0), min(k + reach, len(_GRID) - 1)
    slope = (tpr[right] - tpr[left]) / (_GRID[right] - _GRID[left])
    variance = tpr[k] * (1 - tpr[k]) / n_positive + slope**2 * _GRID[k] * (1 - _GRID[k]) / n_negative
    return RateEstimate(float(tpr[k]), float(np.sqrt(variance)), n_positive, n_positive, n_positive).limits(0.025)


def _calibration(cell: Cell) -> tuple[Mapping[str, float], ...]:
    order = np.argsort(cell.probabilities, kind="stable")
    parts = np.array_split(order, min(_MOST_BINS, len(order) // _IMAGES_A_BIN))
    return tuple(_bin(cell, part) for part in parts)


def _bin(cell: Cell, part: NDArray[np.intp]) -> Mapping[str, float]:
    share, n_patients = float(cell.labels[part].mean()), cell.count_patients(part)
    error = float(np.sqrt(share * (1 - share) / n_patients))
    low, high = RateEstimate(share, error, n_patients, n_patients, n_patients).limits(0.025)
    return {
        "n": len(part),
        "mean_probability": float(cell.probabilities[part].mean()),
        "share_positive": share,
        "low": low,
        "high": high,
    }
