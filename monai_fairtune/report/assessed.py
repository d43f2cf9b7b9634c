"""One report, read: the values of a split overall, by subgroup, and as comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from monai_fairtune.report.stored import Stated, attribute_of, finite, stated

__all__ = ["Assessed", "HasSubgroups", "count_of"]


class HasSubgroups(Protocol):
    """What knows the subgroups of an attribute, in their order."""

    def subgroups(self, attribute: str) -> tuple[str, ...]:
        """Returns the subgroups of an attribute."""
        ...


def count_of(entry: object) -> int | None:
    """Returns a count as it is; None where it is absent or withheld."""
    return entry if isinstance(entry, int) and not isinstance(entry, bool) else None


@dataclass(frozen=True)
class Assessed:
    """A report object with its values in one form.

    Args:
        raw: the object of ``report.json``, or of one split of ``result.json``.
    """

    raw: Mapping[str, Any]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The declared attributes, the main one first."""
        return tuple(self.raw.get("attributes") or {})

    @property
    def intervals(self) -> Mapping[str, Any]:
        """How intervals were computed; empty where none were."""
        return self.raw.get("intervals") or {}

    @property
    def level(self) -> str:
        """The level of the intervals in words."""
        return f"{100 * (finite(self.intervals.get('level')) or 0.95):.3g} %"

    def attribute(self, attribute: str) -> Mapping[str, Any]:
        """Returns what is said about one attribute."""
        return attribute_of(self.raw, attribute)

    def subgroups(self, attribute: str) -> tuple[str, ...]:
        """Returns the subgroups of an attribute, in their order."""
        return tuple(self.attribute(attribute).get("subgroups") or {})

    def entry(self, attribute: str, subgroup: str) -> Mapping[str, Any]:
        """Returns what is said about one subgroup."""
        return (self.attribute(attribute).get("subgroups") or {}).get(subgroup) or {}

    def subgroup(self, attribute: str, subgroup: str, measure: str) -> Stated:
        """Returns one measure of one subgroup."""
        return stated(self.entry(attribute, subgroup).get(measure))

    def measure(self, attribute: str, measure: str) -> Stated:
        """Returns one comparison of an attribute's subgroups, such as ``"auroc_gap"``."""
        return stated(self.attribute(attribute).get(measure))

    def overall(self, measure: str) -> Stated:
        """Returns one measure over all images."""
        return stated((self.raw.get("overall") or {}).get(measure))

    def chance(self, attribute: str, key: str) -> float | None:
        """Returns what is known of the AUROC gap under chance: ``p_value``, ``null_mean`` or ``null_high``."""
        gap = self.attribute(attribute).get("auroc_gap")
        return finite(gap.get(key)) if isinstance(gap, Mapping) else None

    def pairs(self, attribute: str) -> list[Mapping[str, Any]]:
        """Returns the compared pairs of subgroups."""
        return list(self.attribute(attribute).get("pairs") or [])

    def curves(self, attribute: str, subgroup: str) -> Mapping[str, Any]:
        """Returns the curves of a subgroup; empty where there are none."""
        return self.entry(attribute, subgroup).get("curves") or {}

    @property
    def counted(self) -> str:
        """What a rate counts: patients where each has one image, otherwise images."""
        n = count_of(self.raw.get("n"))
        return "patients" if n is not None and n == self.raw.get("n_patients") else "images"
