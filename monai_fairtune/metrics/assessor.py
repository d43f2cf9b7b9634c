"""Assessing a whole split: first every subgroup on its own, then the comparisons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.metrics.assessment import Assessment
from monai_fairtune.metrics.attribute_assessor import AttributeAssessor
from monai_fairtune.metrics.bootstrap import bootstrap
from monai_fairtune.metrics.cell import Cells
from monai_fairtune.metrics.curves import draw_curves
from monai_fairtune.metrics.measured import Measured
from monai_fairtune.metrics.resampling import Resampling
from monai_fairtune.metrics.threshold import Threshold
from monai_fairtune.predictions import Predictions

__all__ = ["assess", "describe_intervals"]


def assess(
    predictions: Predictions,
    threshold: Threshold,
    *,
    min_per_class: int = 10,
    resampling: Resampling | None = None,
) -> Assessment:
    """Returns everything that is known about predictions on one whole split.

    Nothing undefined is a number: a value that these samples do not define is a ``Value`` with a reason, and so is
    every comparison that needs it.

    Args:
        predictions: all images of a split; never a batch.
        threshold: the operating point, chosen on validation or given; the same for every subgroup.
        min_per_class: the fewest negatives and the fewest positives of a subgroup whose AUROC is given. It guards
            subgroups only; the overall AUROC needs one of each, a rate one sample of the class concerned.
        resampling: how to compute 95 % intervals, tests and the bands of curves; by default there are none of them.

    Returns:
        The assessment; its ``to_dict`` is the content of ``report.json``.

    Raises:
        ConfigurationError: if ``min_per_class`` is below 1.

    Example:
        >>> from monai_fairtune.subgroups import Subgroups
        >>> sex = Subgroups("sex", ("female", "male"), [0, 0, 0, 0, 1, 1, 1, 1])
        >>> predictions = Predictions([0, 0, 1, 1] * 2, [0.1, 0.2, 0.8, 0.9, 0.1, 0.8, 0.2, 0.9],
        ...                           kind="probability", subgroups={"sex": sex})
        >>> report = assess(predictions, Threshold(0.5, "given", "fixed"), min_per_class=2)
        >>> report.attributes["sex"].worst_group_auroc.to_dict()
        {'value': 0.75, 'low': None, 'high': None, 'subgroup': 'male'}
    """
    if min_per_class < 1:
        raise ConfigurationError(f"min_per_class is {min_per_class}. Give at least 1: an AUROC needs both classes.")
    cells = Cells(predictions, threshold, min_per_class)
    everyone = cells.everyone()
    one_stratum = np.zeros(predictions.n_patients, dtype=np.int64)
    replicates = None if resampling is None else bootstrap([everyone], one_stratum, resampling)[0]
    return Assessment(
        n=len(predictions),
        n_patients=predictions.n_patients,
        prevalence=predictions.prevalence,
        overall=Measured.of(everyone, replicates).values,
        threshold=threshold,
        attributes={
            name: AttributeAssessor(cells, everyone, subgroups, resampling).assess()
            for name, subgroups in predictions.subgroups.items()
        },
        intervals=None if resampling is None else describe_intervals(resampling, predictions),
        curves=None if resampling is None else draw_curves(everyone),
    )


def describe_intervals(resampling: Resampling, predictions: Predictions) -> Mapping[str, object]:
    """Returns what a report says about how its intervals were computed."""
    return {
        "level": 0.95,
        "n_replicates": resampling.n_replicates,
        "n_permutations": resampling.n_permutations,
        "seed": resampling.seed,
        "unit": "patient",
        "max_images_per_patient": int(np.bincount(predictions.patients.codes).max()),
    }
