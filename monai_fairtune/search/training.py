"""One training of a search, and the record it leaves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from monai_fairtune.exceptions import TuningError
from monai_fairtune.masks import Mask
from monai_fairtune.search.epochs import EpochJudge
from monai_fairtune.search.records import TrialRecord
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.tuning import Budget, Tuner, TuningResult

__all__ = ["Training"]


@dataclass(frozen=True)
class Training:
    """What is trained, and as what.

    Args:
        number: the trial's number, or the position of a confirmation.
        kind: an anchor, a searched mask, or a retraining of a finalist.
        mask: the components to tune.
        learning_rate: of the tuned components.
        name: the anchor's, or None.
        replicate: 0 in the search, from 1 in the confirmation; it changes the seed.
        assess_train: whether to follow the training split by epoch.
        n_duplicates: proposals before this one that repeated a mask and were not trained.
    """

    number: int
    kind: Literal["anchor", "search", "confirmation"]
    mask: Mask
    learning_rate: float
    name: str | None = None
    replicate: int = 0
    assess_train: bool = False
    n_duplicates: int = 0

    def run(
        self, tuner: Tuner, judge: EpochJudge, *, max_epochs: int, study_seed: int, save: Path | None
    ) -> TrialRecord:
        """Trains and returns the record; a divergence is recorded, not raised. The model goes to ``save``, if given."""
        seed = derive_seed(study_seed, self.mask.key, self.replicate)
        hyperparameters = {"learning_rate": self.learning_rate}
        budget = Budget(max_epochs, self.assess_train)
        start = time.perf_counter()
        outcome: TuningResult | None = None
        reason = None
        try:
            outcome = tuner.tune(self.mask, hyperparameters, budget, seed=seed, on_epoch=judge)
        except TuningError as error:
            reason = str(error)
        if outcome is not None and save is not None:
            save.parent.mkdir(parents=True, exist_ok=True)
            tuner.save(outcome.model, save)
        complete = outcome is not None and not judge.stopped
        return TrialRecord(
            number=self.number,
            kind=self.kind,
            name=self.name,
            mask=self.mask.to_dict(),
            mask_key=self.mask.key,
            hyperparameters=hyperparameters,
            seed=seed,
            trained_share=self.mask.trained_share,
            state="complete" if complete else "failed" if outcome is None else "pruned",
            value=None if outcome is None else judge.value,
            overall_auroc=None if outcome is None else judge.utility,
            best_epoch=None if outcome is None else outcome.best_epoch,
            epochs=judge.epochs,
            seconds=time.perf_counter() - start,
            reason=reason,
            n_duplicates=self.n_duplicates,
        )
