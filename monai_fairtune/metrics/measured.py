"""A cell's values with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics.cell import SPECIFICITY_PERCENT, Cell
from monai_fairtune.metrics.estimate import (
    AUROCEstimate,
    Estimate,
    LogEstimate,
    MeanEstimate,
    RateEstimate,
    RealEstimate,
    ScaledEstimate,
)
from monai_fairtune.metrics.extremes import ExtremeInterval
from monai_fairtune.metrics.value import Value

__all__ = ["ALPHA", "MOST_UNDEFINED", "Measured", "undefined_note", "with_extreme", "with_interval"]

ALPHA = 0.025
"""Each side of a 95 % interval."""
MOST_UNDEFINED = 0.1
"""The largest share of undefined replicates with which an interval is still given."""
_FEW_OF_A_CLASS = 20
"""Patients of the smaller class below which an interval of an AUROC, or of an extreme, has a caution."""
_FEW_CAUTION = "With so few patients of one class, this interval is often a little wider than 95 % confidence needs."
_FEW_NEGATIVES = 50
"""Patients without the finding below which the TPR at a fixed specificity has a caution."""
_SENSITIVITY = f"tpr_at_specificity_{SPECIFICITY_PERCENT}"
_ECE_CAUTION = "ECE is biased up, the more so the smaller the subgroup; so is its interval."

_TAKEN_OF: Mapping[str, str] = {
    **dict.fromkeys(("tpr", "fnr", "underdiagnosis_rate", _SENSITIVITY), "positive"),
    **dict.fromkeys(("fpr", "tnr", "overdiagnosis_rate"), "negative"),
    **dict.fromkeys(("accuracy", "positive_rate", "fn_per_1000", "fp_per_1000"), "all"),
    "ppv": "called",
    "npv": "not called",
}
"""Which images a rate is a share of."""
_POSITIVE_NUMBERS = frozenset({"log_loss", "brier", "ece"})


@dataclass(frozen=True, eq=False)
class Measured:
    """A cell, and what is known about how its values would vary with other patients.

    Args:
        cell: the images.
        replicates: each measure's values over the bootstrap; empty where no intervals were asked for.
        estimates: the measures that have an interval.
        values: every measure, with its interval where one was asked for.
    """

    cell: Cell
    replicates: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def of(cls, cell: Cell, replicates: Mapping[str, NDArray[np.float64]] | None = None) -> Measured:
        """Measures a cell; without replicates the values stand alone."""
        if replicates is None:
            return cls(cell, values=cell.values)
        estimates, values = {}, {}
        for name, value in cell.values.items():
            share = float(np.isnan(replicates[name]).mean())
            if value.value is not None and share <= MOST_UNDEFINED:
                estimates[name] = _estimate(cell, name, value.value, replicates)
            values[name] = with_interval(
                value,
                estimates[name].limits(ALPHA) if name in estimates else None,
                _method(cell, name),
                share,
                caution=_caution(cell, name),
            )
        return cls(cell, replicates, estimates, values)


def with_interval(
    value: Value, limits: tuple[float, float] | None, method: str, undefined: float = 0.0, caution: str | None = None
) -> Value:
    """Returns a value with its interval, how it came about, and what to know about it.

    Args:
        value: the number.
        limits: of the interval, or None where there is none.
        method: the interval's name.
        undefined: the share of replicates without a value.
        caution: what a reader should know about this interval.
    """
    if value.value is None:
        return value
    extra = dict(value.extra)
    if undefined > 0:
        extra["undefined_replicates"] = undefined
    if limits is None:
        return Value(value.value, extra=extra | {"no_interval": undefined_note(undefined)})
    if caution:
        extra["caution"] = caution
    return Value(value.value, low=float(limits[0]), high=float(limits[1]), extra=extra | {"interval": method})


def with_extreme(
    value: Value, found: ExtremeInterval | None, estimates: Sequence[Estimate], undefined: float = 0.0
) -> Value:
    """Returns a value of all subgroups with its interval.

    Args:
        value: the number.
        found: its interval, or None where there is none.
        estimates: of the subgroups, which it was put together from.
        undefined: the share of replicates without a value.
    """
    if found is None:
        return with_interval(value, None, "extreme", undefined)
    few = min(estimate.n_patients for estimate in estimates) < _FEW_OF_A_CLASS
    caution = found.caution or (_FEW_CAUTION if few else None)
    return with_interval(value, (found.low, found.high), "extreme", undefined, caution)


def undefined_note(share: float) -> str:
    """Returns why there is no interval."""
    if share == 0:
        return "No interval: it is missing for one of the subgroups."
    return f"No interval: {share:.0%} of replicates do not define the value; at most {MOST_UNDEFINED:.0%} may not."


def _caution(cell: Cell, name: str) -> str | None:
    if name == "ece":
        return _ECE_CAUTION
    n = cell.counts["negative"][1]
    if name == "auroc" and min(n, cell.counts["positive"][1]) < _FEW_OF_A_CLASS:
        return _FEW_CAUTION
    if name == _SENSITIVITY and n < _FEW_NEGATIVES:
        return f"The threshold rests on few of the {n} patients without the finding: this interval is too short."
    return None


def _method(cell: Cell, name: str) -> str:
    if name == "auroc":
        return "delong" if len(cell) == cell.n_patients else "bootstrap"
    return "wilson" if name in _TAKEN_OF or name == "balanced_accuracy" else "bootstrap"


def _estimate(cell: Cell, name: str, value: float, replicates: Mapping[str, NDArray[np.float64]]) -> Estimate:
    n = cell.n_patients
    # The bootstrap's variance is that of n patients around their own mean: too small by one in n.
    error = float(np.nanstd(replicates[name])) * math.sqrt(n / max(n - 1, 1))
    if name == "auroc":
        return _auroc_estimate(cell, value, error)
    if name == "balanced_accuracy":
        tpr, tnr = (_estimate(cell, part, cell.values[part].require(), replicates) for part in ("tpr", "tnr"))
        return MeanEstimate(value, error, min(tpr.n_patients, tnr.n_patients), tpr, tnr)
    if name in _TAKEN_OF:
        taken, units = cell.counts[_TAKEN_OF[name]]
        scale = 1000.0 if name.endswith("_per_1000") else 1.0
        rate = RateEstimate(value / scale, error / scale, units, taken, units)
        return rate if scale == 1.0 else ScaledEstimate(value, error, units, rate, scale)
    if name in _POSITIVE_NUMBERS:
        return LogEstimate(value, error, n)
    return RealEstimate(value, error, n)


def _auroc_estimate(cell: Cell, value: float, error: float) -> Estimate:
    (n_positive, with_positive), (n_negative, with_negative) = cell.counts["positive"], cell.counts["negative"]
    if len(cell) == cell.n_patients:
        error = math.sqrt(cell.placements.covariance())
    return AUROCEstimate(
        value, error, min(with_positive, with_negative), n_positive, n_negative, with_positive, with_negative
    )
