"""What is kept of every training: a file each, written before the study hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from monai_fairtune.search.files import read_json, write_json

__all__ = ["TrialRecord", "TrialRecords"]

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class TrialRecord:
    """One finished training.

    Args:
        number: the trial's number in the study.
        kind: an anchor, a searched mask, or a retraining of a finalist.
        name: the anchor's, or None.
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
    """

    number: int
    kind: Literal["anchor", "search", "confirmation"]
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

    @property
    def values_by_epoch(self) -> dict[int, tuple[float, float]]:
        """Objective and overall AUROC after each epoch."""
        return {entry["epoch"]: (entry["value"], entry["validation"]["overall"]) for entry in self.epochs}

    def to_dict(self) -> dict[str, Any]:
        """Returns the record as plain JSON."""
        return asdict(self)


class TrialRecords:
    """The finished trials of a study, read from and written to its ``trials`` folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths = sorted(folder.glob("[0-9]*/result.json"))
        self._records = {record.number: record for record in (TrialRecord(**read_json(path)) for path in paths)}

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, number: int) -> bool:
        return number in self._records

    def __getitem__(self, number: int) -> TrialRecord:
        return self._records[number]

    @property
    def all(self) -> list[TrialRecord]:
        """Every record, by trial number."""
        return [self._records[number] for number in sorted(self._records)]

    @property
    def complete(self) -> list[TrialRecord]:
        """The trials that ran to their last epoch."""
        return [record for record in self.all if record.state == "complete"]

    def anchor(self, name: str) -> TrialRecord | None:
        """Returns the record of an anchor, if it is there."""
        return next((record for record in self.all if record.kind == "anchor" and record.name == name), None)

    def path(self, number: int) -> Path:
        """Returns the folder of a trial."""
        return self.folder / f"{number:05d}"

    def add(self, record: TrialRecord) -> None:
        """Writes a record; it is on disk when this returns."""
        write_json(self.path(record.number) / "result.json", record.to_dict())
        self._records[record.number] = record
