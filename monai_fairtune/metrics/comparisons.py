"""How the subgroups of one attribute compare: every value that takes all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics import aggregate
from monai_fairtune.metrics.cell import SPECIFICITY_PERCENT
from monai_fairtune.metrics.estimate import Estimate, LogEstimate
from monai_fairtune.metrics.extremes import (
    ExtremeInterval,
    difference_interval,
    largest_interval_of,
    ratio_interval,
    smallest_interval,
)
from monai_fairtune.metrics.measured import ALPHA, MOST_UNDEFINED, Measured, with_extreme, with_interval
from monai_fairtune.metrics.value import Value

__all__ = ["compare_by", "compare_subgroups"]

_SENSITIVITY = f"tpr_at_specificity_{SPECIFICITY_PERCENT}"
_SMALLEST = {
    "worst_group_auroc": "auroc",
    "worst_group_accuracy": "accuracy",
    f"worst_group_{_SENSITIVITY}": _SENSITIVITY,
}
_LARGEST = {
    "best_group_auroc": "auroc",
    "largest_subgroup_loss": "log_loss",
    "largest_brier": "brier",
    "largest_ece": "ece",
}
_DIFFERENCES: Mapping[str, tuple[str, ...]] = {
    "auroc_gap": ("auroc",),
    "accuracy_gap": ("accuracy",),
    f"{_SENSITIVITY}_gap": (_SENSITIVITY,),
    "equalized_odds_difference": ("tpr", "fpr"),
    "equal_opportunity_difference": ("tpr",),
    "demographic_parity_difference": ("positive_rate",),
    "predictive_parity_difference": ("ppv",),
    "underdiagnosis_rate_difference": ("underdiagnosis_rate",),
    "fn_per_1000_difference": ("fn_per_1000",),
    "fp_per_1000_difference": ("fp_per_1000",),
}
_RATIOS: Mapping[str, tuple[str, ...]] = {
    "equalized_odds_ratio": ("tpr", "fpr"),
    "demographic_parity_ratio": ("positive_rate",),
    "predictive_parity_ratio": ("ppv",),
}
_EQUITY_CAUTION = (
    "This measure counts every distance between subgroups, chance included: it is biased down, and so is its interval."
)


def compare_subgroups(
    subgroups: Mapping[str, Measured], overall: Value, overall_replicates: NDArray[np.float64] | None = None
) -> dict[str, Value]:
    """Returns every comparison, with an interval where the subgroups have one.

    Args:
        subgroups: name to what was measured, empty subgroups included.
        overall: the AUROC of all images.
        overall_replicates: the same over the bootstrap of this attribute, or None where none was asked for.
    """
    table = _Table(subgroups)
    found = {name: _compared(table, name) for name in (*_SMALLEST, *_LARGEST, *_DIFFERENCES, *_RATIOS)}
    aurocs = table.values("auroc")
    equity, distance = aggregate.equity_scaled(overall, aurocs), aggregate.distance_to_optimal(aurocs)
    if overall_replicates is not None:
        equity, distance = _with_replicates(table, equity, distance, overall_replicates)
    return found | {"equity_scaled_auroc": equity, "distance_to_optimal": distance}


def compare_by(subgroups: Mapping[str, Measured], name: str) -> Value:
    """Returns one of these comparisons: a smallest or largest value, a difference or a ratio."""
    return _compared(_Table(subgroups), name)


def _compared(table: _Table, name: str) -> Value:
    if name in _SMALLEST:
        return table.extreme(_SMALLEST[name], aggregate.smallest, smallest_interval)
    if name in _LARGEST:
        return table.extreme(_LARGEST[name], aggregate.largest, largest_interval_of)
    if name in _DIFFERENCES:
        return table.spread(_DIFFERENCES[name], _largest_difference, difference_interval)
    return table.spread(_RATIOS[name], _smallest_ratio, ratio_interval)


class _Table:
    """The measures of every subgroup, by metric."""

    def __init__(self, subgroups: Mapping[str, Measured]) -> None:
        self.subgroups = subgroups
        self.resampled = any(measured.replicates for measured in subgroups.values())

    def values(self, metric: str) -> dict[str, Value]:
        return {name: measured.values[metric] for name, measured in self.subgroups.items()}

    def replicates(self, metric: str) -> NDArray[np.float64]:
        """Returns the replicates of a metric: shape ``(n_replicates, n_subgroups)``."""
        return np.stack([measured.replicates[metric] for measured in self.subgroups.values()], axis=1)

    def estimates(self, metrics: Sequence[str]) -> list[list[Estimate]] | None:
        """Returns each metric's estimates, or None where a subgroup lacks one."""
        found = [[measured.estimates.get(metric) for measured in self.subgroups.values()] for metric in metrics]
        complete = [[estimate for estimate in family if estimate is not None] for family in found]
        return complete if [len(family) for family in complete] == [len(self.subgroups)] * len(metrics) else None

    def undefined(self, metrics: Sequence[str]) -> float:
        """Returns the share of replicates in which a subgroup has no value."""
        return float(np.any([np.isnan(self.replicates(metric)).any(axis=1) for metric in metrics], axis=0).mean())

    def extreme(
        self,
        metric: str,
        choose: Callable[[Mapping[str, Value]], Value],
        interval: Callable[[Sequence[Estimate]], ExtremeInterval],
    ) -> Value:
        return self._finish(choose(self.values(metric)), (metric,), lambda families: interval(families[0]))

    def spread(
        self,
        metrics: Sequence[str],
        choose: Callable[[Sequence[Mapping[str, Value]]], Value],
        interval: Callable[..., ExtremeInterval],
    ) -> Value:
        return self._finish(
            choose([self.values(metric) for metric in metrics]), metrics, lambda families: interval(*families)
        )

    def _finish(
        self,
        value: Value,
        metrics: Sequence[str],
        interval: Callable[[list[list[Estimate]]], ExtremeInterval],
    ) -> Value:
        if not self.resampled or value.value is None:
            return value
        families, share = self.estimates(metrics), self.undefined(metrics)
        found = None if families is None or share > MOST_UNDEFINED else interval(families)
        return with_extreme(value, found, [estimate for family in families or () for estimate in family], share)


def _largest_difference(families: Sequence[Mapping[str, Value]]) -> Value:
    found = [aggregate.difference(values) for values in families]
    return Value.of(lambda: max(value.require() for value in found))


def _smallest_ratio(families: Sequence[Mapping[str, Value]]) -> Value:
    found = [aggregate.ratio(values) for values in families]
    return Value.of(lambda: min(value.require() for value in found))


def _with_replicates(
    table: _Table, equity: Value, distance: Value, overall: NDArray[np.float64]
) -> tuple[Value, Value]:
    aurocs, share = table.replicates("auroc"), table.undefined(("auroc",))
    too_many = share > MOST_UNDEFINED
    if equity.value is not None:
        drawn = overall / (1 + np.abs(overall[:, None] - aurocs).sum(axis=1))
        limits = None if too_many else tuple(np.nanquantile(drawn, [ALPHA, 1 - ALPHA]))
        equity = with_interval(equity, limits, "percentile", share, _EQUITY_CAUTION)
    if distance.value is not None:
        n = min(measured.cell.n_patients for measured in table.subgroups.values())
        error = float(np.nanstd(np.sqrt(np.square(1 - aurocs).sum(axis=1)))) * math.sqrt(n / max(n - 1, 1))
        limits = None if too_many else LogEstimate(distance.value, error, n).limits(ALPHA)
        distance = with_interval(distance, limits, "bootstrap", share)
    return equity, distance
