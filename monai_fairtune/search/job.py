"""One piece of work of a search, as plain data that any worker process can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Job", "Kind"]

Kind = Literal["anchor", "search", "repeat", "confirmation", "final"]


@dataclass(frozen=True)
class Job:
    """What a worker is to do. Nothing in it is about patients.

    Args:
        key: names the job within its study, and its folder within ``trials``.
        kind: an anchor, a searched mask, a promising mask with a fresh seed, a retraining of a finalist, or the final
            assessment.
        number: the trial's; of a retraining, the finalist's.
        mask: as :meth:`Mask.to_dict` gives it; empty for the final assessment.
        learning_rate: of the tuned components.
        name: the anchor's, or where a mask came from; None for a mask that was searched.
        replicate: 0 for the first training of a mask; it changes the seed.
        n_duplicates: proposals before this one that repeated a mask and were not trained.
        notes: what the search method wants to see again.
        bars: by rung (``epoch 3``, ``fold 1``), the rank that a trial must reach there to go on.
        floor: the utility floor that ranks below it fall short of, or None before the anchors have set it.
        keeps_model: whether the trained model is written.
        follows_train: whether the training split is assessed after every epoch.
        screens: whether masks are screened with the trained model.
        test_reads: how often the test split had been read before.
    """

    key: str
    kind: Kind
    number: int = 0
    mask: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 0.0
    name: str | None = None
    replicate: int = 0
    n_duplicates: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)
    bars: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    floor: float | None = None
    keeps_model: bool = False
    follows_train: bool = False
    screens: bool = False
    test_reads: int = 0

    @property
    def title(self) -> str:
        """The job in a few words, for people."""
        if self.kind == "final":
            return "final assessment"
        if self.kind == "confirmation":
            return f"confirming {self.name or f'trial {self.number}'}, seed {self.replicate}"
        what = f"anchor {self.name}" if self.kind == "anchor" else f"trial {self.number}"
        return f"{what}, seed {self.replicate}" if self.replicate else what

    def to_dict(self) -> dict[str, Any]:
        """Returns the job as plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Job:
        """Returns the job that ``to_dict`` wrote."""
        bars = {rung: (float(bar[0]), float(bar[1])) for rung, bar in data["bars"].items()}
        return cls(**{**data, "bars": bars})
