"""Assessing a whole split: first every subgroup on its own, then the comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

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

__all__ = ["Assessor", "assess", "describe_intervals"]


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
    return Assessor(predictions, threshold, min_per_class, resampling).assess()


@dataclass(frozen=True, eq=False)
class Assessor:
    """What an assessment is made of, for those who need more of it than its numbers; arguments as for ``assess``."""

    predictions: Predictions
    threshold: Threshold
    min_per_class: int = 10
    resampling: Resampling | None = None

    def __post_init__(self) -> None:
        if self.min_per_class < 1:
            raise ConfigurationError(
                f"min_per_class is {self.min_per_class}. Give at least 1: an AUROC needs both classes."
            )

    @cached_property
    def everyone(self) -> Measured:
        """All images, with their intervals."""
        everyone = self._cells.everyone()
        if self.resampling is None:
            return Measured.of(everyone)
        one_stratum = np.zeros(self.predictions.n_patients, dtype=np.int64)
        return Measured.of(everyone, bootstrap([everyone], one_stratum, self.resampling)[0])

    def attributes(self) -> Iterator[AttributeAssessor]:
        """Yields what each attribute's assessment is made of; whoever keeps none keeps memory for one at a time."""
        for subgroups in self.predictions.subgroups.values():
            yield AttributeAssessor(self._cells, self.everyone.cell, subgroups, self.resampling)

    @cached_property
    def _cells(self) -> Cells:
        return Cells(self.predictions, self.threshold, self.min_per_class)

    def assess(self, attributes: Iterable[AttributeAssessor] | None = None) -> Assessment:
        """Returns the assessment.

        Args:
            attributes: of this very assessor, where someone keeps them; by default they are made anew.
        """
        predictions, resampling = self.predictions, self.resampling
        parts = self.attributes() if attributes is None else attributes
        return Assessment(
            n=len(predictions),
            n_patients=predictions.n_patients,
            prevalence=predictions.prevalence,
            overall=self.everyone.values,
            threshold=self.threshold,
            attributes={part.subgroups.attribute: part.assess() for part in parts},
            intervals=None if resampling is None else describe_intervals(resampling, predictions),
            curves=None if resampling is None else draw_curves(self.everyone.cell),
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
