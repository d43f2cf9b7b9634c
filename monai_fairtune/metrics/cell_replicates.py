"""Every measure of a cell under the weights of a bootstrap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics.calibration import ece_bins
from monai_fairtune.metrics.calibration_fit import CalibrationFit
from monai_fairtune.metrics.cell import SPECIFICITY_PERCENT, Cell
from monai_fairtune.metrics.replicates import Ranking, Sums

__all__ = ["ReplicatePlan"]

_N_BINS = 15


@dataclass(frozen=True)
class ReplicatePlan:
    """What one replicate of a cell needs, sorted and added up once.

    Args:
        ranking: for AUROC and the TPR at a fixed specificity.
        sums: for everything that is made of sums.
        fit: of the calibration, or None where it is undefined.
    """

    ranking: Ranking
    sums: Sums
    fit: CalibrationFit | None

    @classmethod
    def of(cls, cell: Cell, columns: NDArray[np.intp], extra: NDArray[np.float64] | None = None) -> ReplicatePlan:
        """Prepares a cell.

        Args:
            cell: of ``n`` images.
            columns: shape ``(n,)``, where each image's patient stands in the weights.
            extra: shape ``(n,)``, one more term to add up, returned as ``"extra"``.
        """
        labels, decided = cell.labels, cell.decisions
        fit = _fit(cell)
        terms = np.zeros((7 + _N_BINS + 7, len(cell)))
        terms[:7] = (
            *(np.ones(len(cell)), labels, decided, labels * decided),
            *((cell.probabilities - labels) ** 2, np.nan_to_num(_losses(cell), posinf=0.0)),
            np.zeros(len(cell)) if extra is None else extra,
        )
        bins = ece_bins(cell.probabilities, _N_BINS)
        for k in range(_N_BINS):
            np.multiply(cell.probabilities - labels, bins == k, out=terms[7 + k])
        if fit is not None:
            terms[7 + _N_BINS :] = fit.terms
        return cls(Ranking.of(labels, cell.scores, columns), Sums.of(terms, columns), fit)

    def compute(self, weights: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Returns what ``unpack`` reads, for weights ``(r, n_patients)``: shape ``(r, 31)``."""
        ranked = self.ranking.auroc_and_sensitivity(weights, SPECIFICITY_PERCENT)
        return np.concatenate([ranked, self.sums.weighted(weights)], axis=1)

    def unpack(self, table: NDArray[np.float64]) -> Mapping[str, NDArray[np.float64]]:
        """Returns each measure's replicates: name to shape ``(r,)``, NaN where a replicate does not define it.

        Args:
            table: shape ``(r, 31)``, of all replicates.
        """
        auroc, sensitivity = table[:, 0], table[:, 1]
        n, positive, decided, hits, squared, loss, extra = table[:, 2:9].T
        negative, alarms = n - positive, decided - hits
        missed, rejected = positive - hits, n - positive - decided + hits
        intercept, slope = self.fit.replicate(table[:, 24:31]) if self.fit else (np.full(len(table), np.nan),) * 2
        with np.errstate(divide="ignore", invalid="ignore"):
            tpr, fpr = hits / positive, alarms / negative
            found = {
                "auroc": auroc,
                "accuracy": (hits + rejected) / n,
                "balanced_accuracy": (tpr + 1 - fpr) / 2,
                "tpr": tpr,
                "fpr": fpr,
                "tnr": 1 - fpr,
                "fnr": 1 - tpr,
                "ppv": hits / decided,
                "npv": rejected / (n - decided),
                "positive_rate": decided / n,
                "underdiagnosis_rate": 1 - tpr,
                "overdiagnosis_rate": fpr,
                "fn_per_1000": 1000 * missed / n,
                "fp_per_1000": 1000 * alarms / n,
                f"tpr_at_specificity_{SPECIFICITY_PERCENT}": sensitivity,
                "log_loss": loss / n,
                "brier": squared / n,
                "ece": np.abs(table[:, 9:24]).sum(axis=1) / n,
                "calibration_intercept": intercept,
                "calibration_slope": slope,
                "extra": extra,
            }
        return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _fit(cell: Cell) -> CalibrationFit | None:
    intercept = cell.values["calibration_intercept"].value
    if intercept is None:
        return None
    # Where the scores separate the classes there is an intercept, with the slope held at 1, and no slope.
    has_slope = cell.values["calibration_slope"].value is not None
    line = cell.calibration_line if has_slope else (math.nan, math.nan)
    return CalibrationFit.of(cell.labels, cell.logits, intercept, line)


def _losses(cell: Cell) -> NDArray[np.float64]:
    return np.asarray(np.logaddexp(0.0, np.where(cell.labels == 1, -cell.logits, cell.logits)))
