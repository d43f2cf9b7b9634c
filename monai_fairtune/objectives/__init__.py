"""Objectives: one number a trial, its direction, and what to beware of."""

from monai_fairtune.objectives.accuracy import AccuracyGap, WorstGroupAccuracy
from monai_fairtune.objectives.auroc import AUROCGap, WorstGroupAUROC
from monai_fairtune.objectives.by_name import objective_by_name
from monai_fairtune.objectives.loss import LargestSubgroupLoss
from monai_fairtune.objectives.objective import Objective, SubgroupObjective
from monai_fairtune.objectives.overall import OverallAccuracy, OverallAUROC

__all__ = [
    "AUROCGap",
    "AccuracyGap",
    "LargestSubgroupLoss",
    "Objective",
    "OverallAUROC",
    "OverallAccuracy",
    "SubgroupObjective",
    "WorstGroupAUROC",
    "WorstGroupAccuracy",
    "objective_by_name",
]
