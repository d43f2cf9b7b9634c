"""Assessing a whole split: first every subgroup on its own, then the comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics import aggregate
from monai_fairtune.metrics.assessment import Assessment, AttributeAssessment, SubgroupAssessment
from monai_fairtune.metrics.calibration import expected_calibration_error
from monai_fairtune.metrics.loss import brier_score, log_loss
from monai_fairtune.metrics.ranking import auroc
from monai_fairtune.metrics.rates import accuracy, false_positive_rate, positive_rate, true_positive_rate
from monai_fairtune.metrics.threshold import Threshold
from monai_fairtune.metrics.value import Value
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING, Subgroups, class_counts, minimum_detectable_gap

__all__ = ["assess"]


def assess(predictions: Predictions, threshold: Threshold, *, min_per_class: int = 10) -> Assessment:
    """Returns everything that is known about predictions on one whole split.

    Nothing undefined is a number: a value that these samples do not define is a ``Value`` with a reason, and so is
    every comparison that needs it.

    Args:
        predictions: all images of a split; never a batch.
        threshold: the operating point, chosen on validation or given; the same for every subgroup.
        min_per_class: the fewest negatives and the fewest positives of a subgroup whose AUROC is given. It guards
            subgroups only; the overall AUROC needs one of each, a rate one sample of the class concerned.

    Returns:
        The assessment; its ``to_dict`` is the content of ``report.json``.

    Raises:
        ConfigurationError: if ``min_per_class`` is below 1.

    Example:
        >>> sex = Subgroups("sex", ("female", "male"), [0, 0, 0, 0, 1, 1, 1, 1])
        >>> predictions = Predictions([0, 0, 1, 1] * 2, [0.1, 0.2, 0.8, 0.9, 0.1, 0.8, 0.2, 0.9],
        ...                           kind="probability", subgroups={"sex": sex})
        >>> report = assess(predictions, Threshold(0.5, "given", "fixed"), min_per_class=2)
        >>> report.attributes["sex"].worst_group_auroc.to_dict()
        {'value': 0.75, 'low': None, 'high': None, 'subgroup': 'male'}
    """
    if min_per_class < 1:
        raise ConfigurationError(f"min_per_class is {min_per_class}. Give at least 1: an AUROC needs both classes.")
    samples = _Samples(predictions, predictions.probabilities, threshold.decide(predictions))
    everyone = np.ones(len(predictions), dtype=bool)
    overall = _describe(samples, everyone, 1, "The split").values
    return Assessment(
        n=len(predictions),
        n_patients=predictions.n_patients,
        prevalence=predictions.prevalence,
        overall=overall,
        threshold=threshold,
        attributes={
            name: _assess_attribute(samples, subgroups, min_per_class, overall["auroc"])
            for name, subgroups in predictions.subgroups.items()
        },
    )


@dataclass(frozen=True)
class _Samples:
    """The predictions, and what is computed from them once for all subgroups."""

    predictions: Predictions
    probabilities: NDArray[np.float64]
    decisions: NDArray[np.bool_]


def _assess_attribute(
    samples: _Samples, subgroups: Subgroups, min_per_class: int, overall_auroc: Value
) -> AttributeAssessment:
    attribute = subgroups.attribute
    described = {
        name: _describe(samples, member, min_per_class, f"Subgroup {name!r} of attribute {attribute!r}")
        for name, member in subgroups.items()
    }
    missing = _describe(samples, subgroups.codes == MISSING, min_per_class, f"Samples without attribute {attribute!r}")
    counts = class_counts(subgroups, samples.predictions.labels)
    return AttributeAssessment(
        n_missing=subgroups.n_missing,
        missing=missing if subgroups.n_missing else None,
        minimum_detectable_gap=Value.of(lambda: minimum_detectable_gap(counts)),
        subgroups=described,
        **_compare(described, overall_auroc),
    )


def _describe(samples: _Samples, member: NDArray[np.bool_], min_per_class: int, where: str) -> SubgroupAssessment:
    predictions = samples.predictions
    labels, scores = predictions.labels[member], predictions.scores[member]
    probabilities, decided = samples.probabilities[member], samples.decisions[member]
    measures: dict[str, Callable[[], float]] = {
        "auroc": partial(auroc, labels, scores, min_per_class=min_per_class),
        "accuracy": partial(accuracy, labels, decided),
        "tpr": partial(true_positive_rate, labels, decided),
        "fpr": partial(false_positive_rate, labels, decided),
        "positive_rate": partial(positive_rate, labels, decided),
        "log_loss": partial(log_loss, labels, scores, kind=predictions.kind),
        "brier": partial(brier_score, labels, probabilities),
        "ece": partial(expected_calibration_error, labels, probabilities),
    }
    return SubgroupAssessment(
        n=len(labels),
        n_positive=int(labels.sum()),
        n_patients=len(np.unique(predictions.patient_ids[member])),
        values={name: Value.of(measure, where) for name, measure in measures.items()},
    )


def _compare(described: Mapping[str, SubgroupAssessment], overall_auroc: Value) -> dict[str, Value]:
    def each(metric: str) -> dict[str, Value]:
        return {name: subgroup.values[metric] for name, subgroup in described.items()}

    aurocs, accuracies, tprs, fprs, rates = map(each, ("auroc", "accuracy", "tpr", "fpr", "positive_rate"))
    tpr_difference, fpr_difference = aggregate.difference(tprs), aggregate.difference(fprs)
    tpr_ratio, fpr_ratio = aggregate.ratio(tprs), aggregate.ratio(fprs)
    return {
        "worst_group_auroc": aggregate.smallest(aurocs),
        "best_group_auroc": aggregate.largest(aurocs),
        "auroc_gap": aggregate.difference(aurocs),
        "worst_group_accuracy": aggregate.smallest(accuracies),
        "accuracy_gap": aggregate.difference(accuracies),
        "equalized_odds_difference": Value.of(lambda: max(tpr_difference.require(), fpr_difference.require())),
        "equalized_odds_ratio": Value.of(lambda: min(tpr_ratio.require(), fpr_ratio.require())),
        "demographic_parity_difference": aggregate.difference(rates),
        "demographic_parity_ratio": aggregate.ratio(rates),
        "equal_opportunity_difference": tpr_difference,
        "equity_scaled_auroc": aggregate.equity_scaled(overall_auroc, aurocs),
        "distance_to_optimal": aggregate.distance_to_optimal(aurocs),
        "largest_subgroup_loss": aggregate.largest(each("log_loss")),
    }
