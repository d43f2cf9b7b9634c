"""The final model against a fixed method, patient by patient: differences with intervals, as stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import Stated, attribute_of, finite, stated

__all__ = ["Comparison", "Difference", "against_best_fixed"]


@dataclass(frozen=True)
class Difference:
    """One measure under the final model (``ours``) and under the fixed method (``theirs``), and ours minus theirs."""

    ours: float | None
    theirs: float | None
    change: Stated
    p: float | None
    p_holm: float | None = None

    @property
    def shown(self) -> int:
        """What the interval shows: 1 for a higher value, -1 for a lower one, 0 where neither can be told.

        A stored p-value (corrected, where there is one) of 0.05 or more overrules an interval that excludes zero.
        """
        p = self.p_holm if self.p_holm is not None else self.p
        low, high = self.change.low, self.change.high
        if self.change.value is None or low is None or high is None or (p is not None and p >= 0.05):
            return 0
        return 1 if low > 0 else -1 if high < 0 else 0


def read_difference(entry: object) -> Difference:
    """Reads one stored difference; what is absent is undefined."""
    told: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    p_values = (finite(told.get("p_value")), finite(told.get("p_holm")))
    return Difference(finite(told.get("a")), finite(told.get("b")), stated(told.get("difference")), *p_values)


@dataclass(frozen=True)
class Comparison:
    """The content of ``comparison.json``, or of one entry of ``comparisons`` in ``result.json``."""

    raw: Mapping[str, Any]

    def overall(self, measure: str) -> Difference:
        """Returns a measure over all images."""
        return read_difference((self.raw.get("overall") or {}).get(measure))

    def measure(self, attribute: str, measure: str) -> Difference:
        """Returns a comparison of subgroups, such as ``"worst_group_auroc"``."""
        return read_difference(attribute_of(self.raw, attribute).get(measure))

    def subgroups(self, attribute: str) -> tuple[str, ...]:
        """Returns the subgroups of an attribute, in their order."""
        return tuple(attribute_of(self.raw, attribute).get("subgroups") or {})

    def entry(self, attribute: str, subgroup: str) -> Mapping[str, Any]:
        """Returns what is stored of one subgroup."""
        return (attribute_of(self.raw, attribute).get("subgroups") or {}).get(subgroup) or {}

    def subgroup(self, attribute: str, subgroup: str, measure: str) -> Difference:
        """Returns one measure of one subgroup."""
        return read_difference(self.entry(attribute, subgroup).get(measure))

    def levelled_down(self, attribute: str) -> list[Mapping[str, Any]]:
        """Returns the measures of subgroups that are lower under the final model."""
        return list(attribute_of(self.raw, attribute).get("levelling_down") or [])

    @property
    def margin(self) -> float | None:
        """The loss of overall AUROC that is taken as no loss."""
        return finite(self.raw.get("margin"))

    @property
    def non_inferior(self) -> bool | None:
        """Whether the overall AUROC is shown to be lower by less than the margin; None where it was not tested."""
        found = ((self.raw.get("overall") or {}).get("auroc") or {}).get("non_inferior")
        return found if isinstance(found, bool) else None


def against_best_fixed(reading: Reading) -> Comparison | None:
    """Returns the comparison with the best fixed method; None where it was not stored."""
    stored = reading.raw.get("comparisons") or {}
    best = reading.best_fixed
    entry = stored.get(best.name) if best else None
    return Comparison(entry) if isinstance(entry, Mapping) else None
