"""A stored cohort card, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monai_fairtune.report.stored import Stated, finite, stated

__all__ = ["ALL", "Card"]

ALL = "all"


@dataclass(frozen=True)
class Card:
    """The object of ``cohort_card.json``.

    Args:
        raw: as it is stored.
    """

    raw: Mapping[str, Any]

    @property
    def attributes(self) -> list[str]:
        """The declared attributes."""
        return list(self.raw["attributes"])

    @property
    def acquisition(self) -> list[str]:
        """The columns that say how images came about."""
        return list(self.raw["acquisition_columns"])

    @property
    def prepared(self) -> Mapping[str, Any]:
        """What ``prepare`` recorded; empty where it did not."""
        return self.raw["prepared"] or {}

    @property
    def about(self) -> Mapping[str, Any]:
        """What the dataset's reader knows of it; empty where there was none."""
        return self.prepared.get("about") or {}

    @property
    def below(self) -> int | None:
        """Below which count cells are withheld; None where none are."""
        return self.raw.get("suppress_below")

    def part(self, split: str) -> Mapping[str, Any]:
        """Returns the counts of a split, or of all images."""
        found: Mapping[str, Any] = self.raw["balance"][split]
        return found

    def subgroups(self, attribute: str) -> tuple[str, ...]:
        """Returns the subgroups of an attribute, an intersection or an acquisition column, in their order."""
        return tuple(self.part(ALL)["attributes"][attribute]["subgroups"])

    def cell(self, split: str, attribute: str, subgroup: str | None) -> Mapping[str, Any]:
        """Returns the counts of a subgroup in a split; None for the images without a recorded value."""
        entry = self.part(split)["attributes"][attribute]
        found: Mapping[str, Any] = entry["missing"] if subgroup is None else entry["subgroups"][subgroup]
        return found

    def prevalence(self, split: str, attribute: str, subgroup: str | None) -> Stated:
        """Returns the share of class 1 in a subgroup of a split."""
        return stated(self.cell(split, attribute, subgroup).get("prevalence"))

    def alarm(self, name: str) -> float:
        """Returns the value from which a finding is said aloud."""
        return finite(self.raw["alarms"][name]) or 0.0
