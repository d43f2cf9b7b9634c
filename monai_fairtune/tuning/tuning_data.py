"""Which images a tuning trains on, and which validate it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from monai_fairtune.cohort import Cohort, HeldSplit, Resident, ResidentRows
from monai_fairtune.tuning.optimization import balanced_class_weights

__all__ = ["TuningData"]


@dataclass(frozen=True)
class TuningData:
    """The images of one tuning, on the device.

    Args:
        train: trained on.
        validation: predicted after every epoch.
        class_weights: of the loss, from the images that are trained on: shape ``(2,)``.
    """

    train: Resident
    validation: Resident
    class_weights: torch.Tensor

    @classmethod
    def whole(cls, cohort: Cohort, splits: Mapping[str, HeldSplit]) -> TuningData:
        """Returns the train and the validation split."""
        return cls._weighted(cohort, splits["train"], splits["validation"])

    @classmethod
    def fold(cls, cohort: Cohort, splits: Mapping[str, HeldSplit], fold: int, n_folds: int) -> TuningData:
        """Returns the train and validation splits without one fold, and that fold. No image is copied.

        Raises:
            ConfigurationError: as ``Cohort.folds``.
            SplitError: likewise, or if the other folds lack a class.
        """
        folds = cohort.folds(n_folds)
        held = (splits["train"], splits["validation"])
        others = np.flatnonzero((folds >= 0) & (folds != fold))
        name = f"fold {fold} of {n_folds}"
        return cls._weighted(
            cohort,
            ResidentRows(held, others, f"all folds but {name}"),
            ResidentRows(held, np.flatnonzero(folds == fold), name),
        )

    @classmethod
    def _weighted(cls, cohort: Cohort, train: Resident, validation: Resident) -> TuningData:
        labels = cohort.labels[train.index.cpu().numpy()]
        return cls(train, validation, balanced_class_weights(labels).to(train.device))
