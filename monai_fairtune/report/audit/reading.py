"""A stored audit, read: one or several binary reports, where they come from, and what is withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from monai_fairtune.report.assessed import Assessed, count_of
from monai_fairtune.report.wording import isolate, shorten

__all__ = ["Audit", "Part"]


@dataclass(frozen=True)
class Part:
    """One question that the model answers: the only one of a binary audit, or one class of several.

    Args:
        name: of the class; blank in a binary audit.
        key: of its plots, tables and anchors; blank in a binary audit.
        assessed: its report.
        finding: how a sentence names what class 1 is.
    """

    name: str
    key: str
    assessed: Assessed
    finding: str

    @property
    def prefix(self) -> str:
        """What the names of its plots and tables begin with."""
        return f"{self.key}_" if self.key else ""

    def keyed(self, key: str) -> str:
        """Returns a name that is unique among the parts."""
        return f"{self.prefix}{key}"


@dataclass(frozen=True)
class Audit:
    """The content of an audit's ``report.json``.

    Args:
        raw: the object as stored.
    """

    raw: Mapping[str, Any]

    @property
    def about(self) -> Mapping[str, Any]:
        """What the audit says of its input; empty for a report that was made another way."""
        return self.raw.get("audit") or {}

    @property
    def source(self) -> Mapping[str, Any]:
        """The file that was read."""
        return self.about.get("source") or {}

    @property
    def kind(self) -> str:
        """``binary``, ``multiclass`` or ``multilabel``."""
        return str(self.raw.get("kind") or "binary")

    @property
    def below(self) -> int | None:
        """The smallest count of a subgroup that the audit let pass; None where it withheld nothing."""
        return count_of(self.about.get("suppress_below")) or None

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The binary reports, one a class."""
        reports: Mapping[str, Mapping[str, Any]] = self.raw.get("classes", {"": self.raw})
        return tuple(
            Part(name, f"class{k + 1}" if name else "", Assessed(report), self._finding(name))
            for k, (name, report) in enumerate(reports.items())
        )

    @property
    def first(self) -> Assessed:
        """The first report: its counts and attributes are those of all."""
        return self.parts[0].assessed

    @cached_property
    def macro(self) -> Assessed | None:
        """The means over classes as a report of their own; None in a binary audit."""
        macro = self.raw.get("macro")
        if not isinstance(macro, Mapping):
            return None
        counts = {key: self.first.raw.get(key) for key in ("n", "n_patients", "intervals")}
        return Assessed(
            {**counts, "overall": {"auroc": macro.get("auroc")}, "attributes": macro.get("attributes") or {}}
        )

    def _finding(self, name: str) -> str:
        stored = self.about.get("label")
        label = name or (stored if isinstance(stored, str) else "")
        plain = label.strip().lower() in {"", "label", "labels", "target", "y", "y_true", "class"}
        return "the finding" if plain else f"“{isolate(shorten(label, 40))}”"
