"""What is kept of every training: a file each, written before the study hears of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from monai_fairtune.masks import Mask
from monai_fairtune.search.files import read_json, write_json
from monai_fairtune.search.job import Job
from monai_fairtune.search.space import LEARNING_RATE

__all__ = ["TrialRecord", "TrialRecords", "stored_result", "trial_key"]

_log = logging.getLogger(__name__)

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class TrialRecord:
    """One finished training.

    Args:
        number: the trial's number in the study; of a retraining, the finalist's.
        kind: an anchor, a searched mask, a promising mask with a fresh seed, or a retraining of a finalist.
        name: the anchor's, or where the mask came from, or None.
        mask: as :meth:`Mask.to_dict` gives it.
        mask_key: the mask's short identity.
        hyperparameters: the learning rate.
        seed: the training's.
        trained_share: share of the network's parameters that were tuned, in (0, 1].
        state: complete, pruned (stopped early by successive halving) or failed (diverged).
        value: the objective on validation at the epoch kept; None if failed.
        overall_auroc: on validation at that epoch; the utility.
        best_epoch: the epoch kept, from 1.
        epochs: one entry an epoch, as the result file describes them.
        seconds: of training and evaluation.
        reason: why it failed.
        n_duplicates: proposals before this one that repeated a mask and were not trained.
        replicate: 0 for the first training of a mask.
        values: one for each objective, the first being ``value``; empty if failed.
        folds: with k-fold validation, what each fold gave: ``value``, ``overall_auroc``, ``best_epoch``, ``epochs``.
        selection: of a retraining, ``value`` and ``overall_auroc`` on the selection split.
        attempts: trainings that it took; more than 1 after a fault.
        faults: of the attempts before.
        accumulation_steps: above 1 where memory ran out and the batch was halved.
        notes: what the search method said of its proposal.
        screened: of the anchor that masks were screened with, what was found, the most promising first: ``mask_key``,
            the components that are ``tuned``, ``value`` and ``overall_auroc`` on validation.
    """

    number: int
    kind: Literal["anchor", "search", "repeat", "confirmation"]
    name: str | None
    mask: Mapping[str, Any]
    mask_key: str
    hyperparameters: Mapping[str, float]
    seed: int
    trained_share: float
    state: State
    value: float | None = None
    overall_auroc: float | None = None
    best_epoch: int | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    reason: str | None = None
    n_duplicates: int = 0
    replicate: int = 0
    values: tuple[float, ...] = ()
    folds: list[dict[str, Any]] = field(default_factory=list)
    selection: dict[str, float] | None = None
    attempts: int = 1
    faults: tuple[str, ...] = ()
    accumulation_steps: int = 1
    notes: Mapping[str, Any] = field(default_factory=dict)
    screened: list[dict[str, Any]] = field(default_factory=list)

    @property
    def at_rungs(self) -> dict[str, tuple[float, float]]:
        """Objective and overall AUROC after each epoch, or with k-fold validation their means after each fold."""
        if not self.folds:
            return {
                f"epoch {entry['epoch']}": (entry["value"], entry["validation"]["overall"]) for entry in self.epochs
            }
        found, pairs = {}, [(fold["value"], fold["overall_auroc"]) for fold in self.folds]
        for n_folds in range(1, len(pairs) + 1):
            value, utility = np.mean(pairs[:n_folds], axis=0)
            found[f"fold {n_folds}"] = (float(value), float(utility))
        return found

    @property
    def n_epochs(self) -> int:
        """How many epochs were trained, in all folds."""
        return sum(len(fold["epochs"]) for fold in self.folds) or len(self.epochs)

    @classmethod
    def of(cls, job: Job, mask: Mask, seed: int, **found: Any) -> TrialRecord:
        """Returns the record of a job's training under its mask; ``found`` is what the training came to."""
        return cls(
            number=job.number,
            kind=job.kind,  # type: ignore[arg-type]  # the final assessment is no training
            name=job.name,
            mask=mask.to_dict(),
            mask_key=mask.key,
            hyperparameters={LEARNING_RATE: job.learning_rate},
            seed=seed,
            trained_share=mask.trained_share,
            n_duplicates=job.n_duplicates,
            replicate=job.replicate,
            notes=dict(job.notes),
            **found,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the record as plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrialRecord:
        """Returns the record that ``to_dict`` wrote."""
        tuples = {name: tuple(data.get(name, ())) for name in ("values", "faults")}
        return cls(**{**data, **tuples})


class TrialRecords:
    """The finished trainings of a study, read from and written to its ``trials`` folder.

    Args:
        folder: holds a folder for each trial, named by its number, and ``confirmation`` with one for each retraining.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._by_key: dict[str, TrialRecord] = {}
        for path in [*folder.glob("[0-9]*/result.json"), *folder.glob("confirmation/*/result.json")]:
            key = path.parent.relative_to(folder).as_posix()
            stored = stored_result(folder, key)
            if stored is not None:
                self._by_key[key] = TrialRecord.from_dict(stored)

    def __len__(self) -> int:
        return len(self.all)

    def __contains__(self, number: int) -> bool:
        return trial_key(number) in self._by_key

    def __getitem__(self, number: int) -> TrialRecord:
        return self._by_key[trial_key(number)]

    @property
    def keys(self) -> set[str]:
        """The keys of all finished trainings, retrainings included."""
        return set(self._by_key)

    @property
    def all(self) -> list[TrialRecord]:
        """Every trial, by its number."""
        return sorted((record for record in self._by_key.values() if record.kind != "confirmation"), key=_number)

    @property
    def complete(self) -> list[TrialRecord]:
        """The trials that ran to their end."""
        return [record for record in self.all if record.state == "complete"]

    def find(self, key: str) -> TrialRecord | None:
        """Returns the record of a job, if it is there."""
        return self._by_key.get(key)

    def path(self, key: str) -> Path:
        """Returns the folder of a training."""
        return self.folder / key

    def add(self, key: str, record: TrialRecord) -> None:
        """Takes up a record that is on disk already."""
        self._by_key[key] = record

    def write(self, key: str, record: TrialRecord) -> None:
        """Writes a record; it is on disk when this returns."""
        write_json(self.path(key) / "result.json", record.to_dict())
        self.add(key, record)


def stored_result(folder: Path, key: str) -> dict[str, Any] | None:
    """Returns the result of a job as it was written, or None. A file that is no record is moved aside, not lost."""
    path = folder / key / "result.json"
    try:
        return TrialRecord.from_dict(dict(read_json(path))).to_dict()
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        _log.warning("The result of %s is damaged and was moved to result.json.damaged; it is trained again.", key)
        path.replace(path.with_name("result.json.damaged"))
        return None


def trial_key(number: int) -> str:
    """Returns the key of a trial's job, which is its folder's name.

    Example:
        >>> trial_key(12)
        '00012'
    """
    return f"{number:05d}"


def _number(record: TrialRecord) -> int:
    return record.number
