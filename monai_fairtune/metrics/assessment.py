"""What is known about a model's predictions on one split, subgroup by subgroup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monai_fairtune.metrics.curves import Curves
from monai_fairtune.metrics.gap_test import PairTest
from monai_fairtune.metrics.threshold import Threshold
from monai_fairtune.metrics.value import Value

__all__ = ["Assessment", "AttributeAssessment", "PairAssessment", "SubgroupAssessment"]


@dataclass(frozen=True)
class SubgroupAssessment:
    """One subgroup's counts and values.

    Args:
        n: images.
        n_positive: images of class 1.
        n_patients: patients.
        values: every measure of ``docs/metrics.md`` by its name, such as ``auroc``, ``tpr`` or ``fn_per_1000``.
        curves: ROC and calibration curve with bands, or None where no intervals were asked for.
    """

    n: int
    n_positive: int
    n_patients: int
    values: Mapping[str, Value]
    curves: Curves | None = None

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        counts: dict[str, object] = {"n": self.n, "n_positive": self.n_positive, "n_patients": self.n_patients}
        curves: dict[str, object] = {} if self.curves is None else {"curves": self.curves.to_dict()}
        return counts | {name: value.to_dict() for name, value in self.values.items()} | curves


@dataclass(frozen=True)
class PairAssessment:
    """The AUROCs of two subgroups.

    Args:
        subgroups: their names.
        difference: the first one's AUROC minus the second one's.
        test: whether that could be chance, or None where it is undefined.
    """

    subgroups: tuple[str, str]
    difference: Value
    test: PairTest | None

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        return {
            "subgroups": list(self.subgroups),
            "difference": self.difference.to_dict(),
            "p_value": self.test and self.test.p_value,
            "p_holm": self.test and self.test.p_holm,
            "p_max_t": self.test and self.test.p_max_t,
        }


@dataclass(frozen=True)
class AttributeAssessment:
    """The subgroups of one sensitive attribute, and how they compare.

    Every comparison takes all subgroups: it is undefined, with a reason that names the subgroup, where one of them
    is. Images whose attribute is missing are shown as a stratum of their own and enter no comparison.

    Args:
        n_missing: images without a recorded value.
        missing: those images' assessment, or None where there are none.
        minimum_detectable_gap: the smallest AUROC difference these counts would probably show, at AUROC 0.8.
        subgroups: name to assessment, in the attribute's order, empty subgroups included.
        comparisons: every comparison of ``docs/metrics.md`` by its name, such as ``worst_group_auroc``.
        pairs: every two subgroups; empty where no intervals were asked for.
    """

    n_missing: int
    missing: SubgroupAssessment | None
    minimum_detectable_gap: Value
    subgroups: Mapping[str, SubgroupAssessment]
    comparisons: Mapping[str, Value]
    pairs: tuple[PairAssessment, ...] = ()

    @property
    def worst_group_auroc(self) -> Value:
        """The lowest AUROC, with its ``subgroup``; larger is better."""
        return self.comparisons["worst_group_auroc"]

    @property
    def auroc_gap(self) -> Value:
        """The highest minus the lowest AUROC; smaller is better."""
        return self.comparisons["auroc_gap"]

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report; ``minimum_detectable_gap`` is a bare number where it is defined."""
        detectable = self.minimum_detectable_gap
        return {
            "n_missing": self.n_missing,
            "missing": None if self.missing is None else self.missing.to_dict(),
            "minimum_detectable_gap": detectable.to_dict() if detectable.value is None else detectable.value,
            "subgroups": {name: subgroup.to_dict() for name, subgroup in self.subgroups.items()},
            **{name: value.to_dict() for name, value in self.comparisons.items()},
            "pairs": [pair.to_dict() for pair in self.pairs],
        }


@dataclass(frozen=True)
class Assessment:
    """A model's assessment on one split; ``assess`` makes it.

    Args:
        n: images.
        n_patients: patients.
        prevalence: the share of images of class 1.
        overall: the values of ``SubgroupAssessment``, over all images.
        threshold: the operating point of every rate.
        attributes: declaration to the comparison of its subgroups.
        intervals: how intervals and tests were computed, or None where none were asked for.
        curves: ROC and calibration curve of all images, likewise.
    """

    n: int
    n_patients: int
    prevalence: float
    overall: Mapping[str, Value]
    threshold: Threshold
    attributes: Mapping[str, AttributeAssessment]
    intervals: Mapping[str, object] | None = None
    curves: Curves | None = None

    def to_dict(self) -> dict[str, object]:
        """Returns the content of ``report.json``: plain data that JSON can hold."""
        return {
            "schema": 1,
            "n": self.n,
            "n_patients": self.n_patients,
            "prevalence": self.prevalence,
            "overall": {name: value.to_dict() for name, value in self.overall.items()},
            "threshold": self.threshold.to_dict(),
            "intervals": None if self.intervals is None else dict(self.intervals),
            "curves": None if self.curves is None else self.curves.to_dict(),
            "attributes": {name: attribute.to_dict() for name, attribute in self.attributes.items()},
        }
