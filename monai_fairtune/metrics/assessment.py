"""What is known about a model's predictions on one split, subgroup by subgroup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from monai_fairtune.metrics.threshold import Threshold
from monai_fairtune.metrics.value import Value

__all__ = ["Assessment", "AttributeAssessment", "SubgroupAssessment"]


@dataclass(frozen=True)
class SubgroupAssessment:
    """One subgroup's counts and values.

    Args:
        n: images.
        n_positive: images of class 1.
        n_patients: patients.
        values: ``auroc``, ``accuracy``, ``tpr``, ``fpr``, ``positive_rate``, ``log_loss``, ``brier`` and ``ece``.
    """

    n: int
    n_positive: int
    n_patients: int
    values: Mapping[str, Value]

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report."""
        counts = {"n": self.n, "n_positive": self.n_positive, "n_patients": self.n_patients}
        return counts | {name: value.to_dict() for name, value in self.values.items()}


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
        worst_group_auroc: the lowest, with its ``subgroup``; larger is better.
        best_group_auroc: the highest, with its ``subgroup``.
        auroc_gap: highest minus lowest; smaller is better.
        worst_group_accuracy: the lowest, with its ``subgroup``; larger is better.
        accuracy_gap: highest minus lowest; smaller is better.
        equalized_odds_difference: the larger of the TPR and the FPR difference; smaller is better.
        equalized_odds_ratio: the smaller of the TPR and the FPR ratio; larger is better.
        demographic_parity_difference: highest minus lowest positive rate; smaller is better.
        demographic_parity_ratio: lowest over highest positive rate; larger is better.
        equal_opportunity_difference: highest minus lowest TPR; smaller is better.
        equity_scaled_auroc: see ``aggregate.equity_scaled``; larger is better.
        distance_to_optimal: see ``aggregate.distance_to_optimal``; smaller is better.
        largest_subgroup_loss: the highest mean log loss, with its ``subgroup``; smaller is better.
    """

    n_missing: int
    missing: SubgroupAssessment | None
    minimum_detectable_gap: Value
    subgroups: Mapping[str, SubgroupAssessment]
    worst_group_auroc: Value
    best_group_auroc: Value
    auroc_gap: Value
    worst_group_accuracy: Value
    accuracy_gap: Value
    equalized_odds_difference: Value
    equalized_odds_ratio: Value
    demographic_parity_difference: Value
    demographic_parity_ratio: Value
    equal_opportunity_difference: Value
    equity_scaled_auroc: Value
    distance_to_optimal: Value
    largest_subgroup_loss: Value

    @property
    def comparisons(self) -> dict[str, Value]:
        """Every value that compares the subgroups, by its name."""
        named = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {
            name: value
            for name, value in named.items()
            if isinstance(value, Value) and name != "minimum_detectable_gap"
        }

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for a report; ``minimum_detectable_gap`` is a bare number where it is defined."""
        detectable = self.minimum_detectable_gap
        return {
            "n_missing": self.n_missing,
            "missing": None if self.missing is None else self.missing.to_dict(),
            "minimum_detectable_gap": detectable.to_dict() if detectable.value is None else detectable.value,
            "subgroups": {name: subgroup.to_dict() for name, subgroup in self.subgroups.items()},
            **{name: value.to_dict() for name, value in self.comparisons.items()},
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
    """

    n: int
    n_patients: int
    prevalence: float
    overall: Mapping[str, Value]
    threshold: Threshold
    attributes: Mapping[str, AttributeAssessment]

    def to_dict(self) -> dict[str, object]:
        """Returns the content of ``report.json``: plain data that JSON can hold."""
        return {
            "schema": 1,
            "n": self.n,
            "n_patients": self.n_patients,
            "prevalence": self.prevalence,
            "overall": {name: value.to_dict() for name, value in self.overall.items()},
            "threshold": self.threshold.to_dict(),
            "attributes": {name: attribute.to_dict() for name, attribute in self.attributes.items()},
        }
