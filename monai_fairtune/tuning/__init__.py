"""Training under a mask: the seam, and its member over MONAI's engines."""

from monai_fairtune.tuning.evaluator import FairnessEvaluator, better
from monai_fairtune.tuning.optimization import balanced_class_weights, n_steps, tuned_optimizer, warmup_cosine
from monai_fairtune.tuning.protocol import Budget, EpochReport, OnEpoch, TunedModel, Tuner, TuningResult, Verdict
from monai_fairtune.tuning.subgroup_metrics import SubgroupMetrics
from monai_fairtune.tuning.supervised_tuner import SupervisedTuner

__all__ = [
    "Budget",
    "EpochReport",
    "FairnessEvaluator",
    "OnEpoch",
    "SubgroupMetrics",
    "SupervisedTuner",
    "TunedModel",
    "Tuner",
    "TuningResult",
    "Verdict",
    "balanced_class_weights",
    "better",
    "n_steps",
    "tuned_optimizer",
    "warmup_cosine",
]
