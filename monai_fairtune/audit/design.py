"""What can be seen at all: counts, eligibility and the minimum detectable gap, before any score is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics import Value
from monai_fairtune.predictions import Predictions
from monai_fairtune.subgroups import MISSING, Merge, Subgroups, class_counts, minimum_detectable_gap

__all__ = ["design"]


def design(
    predictions: Mapping[str, Predictions], merges: Mapping[str, tuple[Merge, ...]], min_per_class: int
) -> dict[str, Any]:
    """Returns the design numbers: plain data in the shape of ``report.json``, without a single metric.

    Args:
        predictions: by class; the one class of a binary problem has a blank name.
        merges: by attribute.
        min_per_class: what makes a subgroup eligible.

    Returns:
        For a binary problem ``{"n", "n_patients", "prevalence", "min_per_class", "attributes": {name:
        {"n_missing", "minimum_detectable_gap", "merged", "subgroups": {name: {"n", "n_positive", "n_patients",
        "eligible"}}, "missing"}}}``; for several classes this under ``classes``.
    """
    found = {name: _of_class(part, merges, min_per_class) for name, part in predictions.items()}
    return found[""] if list(found) == [""] else {"classes": found}


def _of_class(predictions: Predictions, merges: Mapping[str, tuple[Merge, ...]], min_per_class: int) -> dict[str, Any]:
    return {
        "n": len(predictions),
        "n_patients": predictions.n_patients,
        "prevalence": predictions.prevalence,
        "min_per_class": min_per_class,
        "attributes": {
            name: _of_attribute(predictions, group, merges[name], min_per_class)
            for name, group in predictions.subgroups.items()
        },
    }


def _of_attribute(
    predictions: Predictions, subgroups: Subgroups, merges: tuple[Merge, ...], min_per_class: int
) -> dict[str, Any]:
    counts = class_counts(subgroups, predictions.labels)

    def cell(member: NDArray[np.bool_]) -> dict[str, Any]:
        n, n_positive = int(member.sum()), int(predictions.labels[member].sum())
        return {
            "n": n,
            "n_positive": n_positive,
            "n_patients": predictions.patients.n_among(member),
            "eligible": min(n_positive, n - n_positive) >= min_per_class,
        }

    return {
        "n_missing": subgroups.n_missing,
        "missing": cell(subgroups.codes == MISSING) if subgroups.n_missing else None,
        "minimum_detectable_gap": Value.of(lambda: minimum_detectable_gap(counts)).to_dict(),
        "merged": [merge.to_dict() for merge in merges],
        "subgroups": {name: cell(member) for name, member in subgroups.items()},
    }
