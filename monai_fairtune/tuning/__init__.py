"""Training under a mask: the seam, and its member over MONAI's engines.

What needs MONAI or PyTorch is imported when it is first asked for: a search with a tuner of one's own needs neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from monai_fairtune.tuning.protocol import (
    BlendingTuner,
    Budget,
    EpochReport,
    OnEpoch,
    TunedModel,
    Tuner,
    TuningResult,
    Verdict,
)

if TYPE_CHECKING:
    from monai_fairtune.tuning.blending import component_blocks
    from monai_fairtune.tuning.compiled_blocks import compile_blocks
    from monai_fairtune.tuning.cuda_graphs import training_graphs
    from monai_fairtune.tuning.distributed_tuner import DistributedTuner
    from monai_fairtune.tuning.epoch_loss import EpochLoss
    from monai_fairtune.tuning.evaluator import FairnessEvaluator, better
    from monai_fairtune.tuning.fairness_audit import FairnessAudit
    from monai_fairtune.tuning.optimization import balanced_class_weights, n_steps, tuned_optimizer, warmup_cosine
    from monai_fairtune.tuning.subgroup_metrics import SubgroupMetrics
    from monai_fairtune.tuning.supervised_tuner import SupervisedTuner
    from monai_fairtune.tuning.team import Team
    from monai_fairtune.tuning.tracking import HandlersFactory, TrainingHandlers, mlflow_tracking, tensorboard_tracking

__all__ = [
    "BlendingTuner",
    "Budget",
    "DistributedTuner",
    "EpochLoss",
    "EpochReport",
    "FairnessAudit",
    "FairnessEvaluator",
    "HandlersFactory",
    "OnEpoch",
    "SubgroupMetrics",
    "SupervisedTuner",
    "Team",
    "TrainingHandlers",
    "TunedModel",
    "Tuner",
    "TuningResult",
    "Verdict",
    "balanced_class_weights",
    "better",
    "compile_blocks",
    "component_blocks",
    "mlflow_tracking",
    "n_steps",
    "tensorboard_tracking",
    "training_graphs",
    "tuned_optimizer",
    "warmup_cosine",
]

_LAZY = {
    "compile_blocks": "compiled_blocks",
    "component_blocks": "blending",
    "training_graphs": "cuda_graphs",
    "DistributedTuner": "distributed_tuner",
    "EpochLoss": "epoch_loss",
    "FairnessEvaluator": "evaluator",
    "better": "evaluator",
    "FairnessAudit": "fairness_audit",
    "balanced_class_weights": "optimization",
    "n_steps": "optimization",
    "tuned_optimizer": "optimization",
    "warmup_cosine": "optimization",
    "SubgroupMetrics": "subgroup_metrics",
    "SupervisedTuner": "supervised_tuner",
    "Team": "team",
    "HandlersFactory": "tracking",
    "TrainingHandlers": "tracking",
    "mlflow_tracking": "tracking",
    "tensorboard_tracking": "tracking",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
