"""MONAI's supervised evaluator, with an eye on every subgroup."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from monai.engines import SupervisedEvaluator

from monai_fairtune.predictions import Predictions
from monai_fairtune.tuning.subgroup_metrics import SubgroupMetrics

__all__ = ["FairnessEvaluator", "better"]

_SMALLER_IS_BETTER = frozenset({"auroc_gap", "largest_subgroup_loss"})


class FairnessEvaluator(SupervisedEvaluator):  # type: ignore[misc]
    """A ``SupervisedEvaluator`` whose key metric is a subgroup metric of the whole split.

    Any MONAI bundle can name it by ``_target_``; batches need ``image``, ``label`` and ``group`` (codes, -1 missing).
    Everything else is as in MONAI, handlers and checkpointing included; a NaN never stays the best value.

    Args:
        device: where the network runs.
        val_data_loader: an iterable of dictionary batches.
        network: gives logits ``(B, 2)`` or ``(B,)``.
        attributes: attribute declaration to its subgroups' names, in the order of the columns of ``batch["group"]``.
        key_metric: one of the names in :class:`SubgroupMetrics`.
        **engine_arguments: passed on to ``SupervisedEvaluator``.
    """

    def __init__(
        self,
        device: torch.device | str,
        val_data_loader: Iterable[Any],
        network: torch.nn.Module,
        attributes: Mapping[str, Sequence[str]],
        key_metric: str = "worst_group_auroc",
        **engine_arguments: Any,
    ) -> None:
        self.subgroup_metrics = SubgroupMetrics(attributes)
        arguments: dict[str, Any] = {
            "decollate": False,
            "key_val_metric": {key_metric: self.subgroup_metrics},
            "metric_cmp_fn": better(key_metric),
        }
        super().__init__(torch.device(device), val_data_loader, network, **(arguments | engine_arguments))

    def predictions(self) -> Predictions:
        """Returns what the last run said about the whole split."""
        return self.subgroup_metrics.predictions()


def better(key_metric: str) -> Callable[[float, float], bool]:
    """Returns a comparison of (current, best) that respects the metric's polarity and never keeps a NaN.

    Example:
        >>> better("worst_group_auroc")(0.8, math.nan), better("auroc_gap")(0.2, 0.1)
        (True, False)
    """
    sign = -1 if key_metric in _SMALLER_IS_BETTER else 1

    def is_better(current: float, best: float) -> bool:
        return not math.isnan(current) and (math.isnan(best) or sign * current > sign * best)

    return is_better
