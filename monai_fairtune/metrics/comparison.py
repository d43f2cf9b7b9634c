"""Two models on the same patients, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monai_fairtune.metrics.value import Value

__all__ = ["AttributeComparison", "Comparison", "LevelledDown", "PairedDifference", "SubgroupComparison"]


@dataclass(frozen=True)
class PairedDifference:
    """One measure of two models on the same patients.

    Args:
        a: of the first model.
        b: of the second model.
        difference: ``a`` minus ``b``, with an interval that knows that the patients are the same.
        p_value: two-sided, of no difference; None where it is undefined.
        extra: what belongs beside it, such as ``{"p_holm": 0.04}``.
    """

    a: Value
    b: Value
    difference: Value
    p_value: float | None
    extra: Mapping[str, object] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            "a": self.a.value,
            "b": self.b.value,
            "difference": self.difference.to_dict(),
            "p_value": self.p_value,
            **self.extra,
        }


@dataclass(frozen=True)
class SubgroupComparison:
    """One subgroup under two models.

    Args:
        n: images.
        n_positive: images of class 1.
        measures: name to difference.
    """

    n: int
    n_positive: int
    measures: Mapping[str, PairedDifference]

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        counts: dict[str, object] = {"n": self.n, "n_positive": self.n_positive}
        return counts | {name: paired.to_dict() for name, paired in self.measures.items()}


@dataclass(frozen=True)
class LevelledDown:
    """A subgroup that the first model serves worse than the second.

    Args:
        subgroup: its name.
        measure: such as ``"auroc"``.
        difference: below 0.
        conclusion: ``"lower"`` if the whole interval lies below 0, else ``"not distinguishable"``.
    """

    subgroup: str
    measure: str
    difference: Value
    conclusion: str

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            "subgroup": self.subgroup,
            "measure": self.measure,
            "difference": self.difference.to_dict(),
            "conclusion": self.conclusion,
        }


@dataclass(frozen=True)
class AttributeComparison:
    """The subgroups of one attribute under two models.

    Args:
        measures: of the attribute as a whole, such as ``worst_group_auroc``.
        subgroups: name to comparison.
        levelling_down: every subgroup that is served worse, and by how much.
    """

    measures: Mapping[str, PairedDifference]
    subgroups: Mapping[str, SubgroupComparison]
    levelling_down: Sequence[LevelledDown]

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            **{name: paired.to_dict() for name, paired in self.measures.items()},
            "subgroups": {name: subgroup.to_dict() for name, subgroup in self.subgroups.items()},
            "levelling_down": [entry.to_dict() for entry in self.levelling_down],
        }


@dataclass(frozen=True)
class Comparison:
    """Two models on the same patients; ``compare`` makes it.

    Args:
        names: of the two models, ``a`` and ``b``.
        n: images.
        n_patients: patients.
        margin: by how much the overall AUROC may be lower without counting as inferior.
        intervals: how intervals and tests were computed.
        overall: name to difference, over all images; ``auroc`` also says whether ``a`` is ``non_inferior``.
        attributes: declaration to comparison.
    """

    names: tuple[str, str]
    n: int
    n_patients: int
    margin: float
    intervals: Mapping[str, object]
    overall: Mapping[str, PairedDifference]
    attributes: Mapping[str, AttributeComparison]

    def to_dict(self) -> dict[str, object]:
        """Returns the content of ``comparison.json``."""
        return {
            "schema": 1,
            "a": self.names[0],
            "b": self.names[1],
            "n": self.n,
            "n_patients": self.n_patients,
            "margin": self.margin,
            "intervals": dict(self.intervals),
            "overall": {name: paired.to_dict() for name, paired in self.overall.items()},
            "attributes": {name: attribute.to_dict() for name, attribute in self.attributes.items()},
        }
