"""Objectives as configurations name them."""

from __future__ import annotations

from collections.abc import Sequence

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.objectives.accuracy import AccuracyGap, WorstGroupAccuracy
from monai_fairtune.objectives.auroc import AUROCGap, WorstGroupAUROC
from monai_fairtune.objectives.loss import LargestSubgroupLoss
from monai_fairtune.objectives.objective import Objective
from monai_fairtune.objectives.overall import OverallAccuracy, OverallAUROC

__all__ = ["objective_by_name"]

_FAMILY: tuple[type[Objective], ...] = (
    WorstGroupAUROC,
    AUROCGap,
    WorstGroupAccuracy,
    AccuracyGap,
    LargestSubgroupLoss,
    OverallAUROC,
    OverallAccuracy,
)


def objective_by_name(name: str, attributes: Sequence[str]) -> Objective:
    """Returns the objective that a configuration names; any other ``Objective`` is built from its own class.

    Args:
        name: ``worst_group_auroc``, ``auroc_gap``, ``worst_group_accuracy``, ``accuracy_gap``,
            ``largest_subgroup_loss``, ``overall_auroc`` or ``overall_accuracy``.
        attributes: declarations of the sensitive attributes.

    Raises:
        ConfigurationError: if there is no objective of that name, or the attributes cannot be used.

    Example:
        >>> objective_by_name("worst_group_auroc", ["sex"]).direction
        'maximize'
    """
    kinds = {kind.name: kind for kind in _FAMILY}
    if name not in kinds:
        raise ConfigurationError(f"There is no objective {name!r}. Choose one of {', '.join(kinds)}.")
    return kinds[name](attributes)
