"""Assessing the subgroups of one attribute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics.assessment import AttributeAssessment, PairAssessment, SubgroupAssessment
from monai_fairtune.metrics.bootstrap import bootstrap
from monai_fairtune.metrics.cell import Cell, Cells
from monai_fairtune.metrics.comparisons import compare_subgroups
from monai_fairtune.metrics.curves import draw_curves
from monai_fairtune.metrics.extremes import difference_limits
from monai_fairtune.metrics.gap_test import GapTest, gap_test
from monai_fairtune.metrics.measured import ALPHA, Measured, with_interval
from monai_fairtune.metrics.resampling import Resampling, patient_strata
from monai_fairtune.metrics.value import Value
from monai_fairtune.subgroups import MISSING, Subgroups, class_counts, minimum_detectable_gap

__all__ = ["AttributeAssessor"]

_SHARED_CAUTION = (
    "Some patients have images in several of these subgroups; the interval takes the subgroups as independent."
)


@dataclass(frozen=True, eq=False)
class AttributeAssessor:
    """Measures each subgroup, and how they compare.

    Args:
        cells: takes cells out of the split.
        everyone: all images of the split.
        subgroups: of the attribute.
        resampling: how to compute intervals and tests, or None for neither.
    """

    cells: Cells
    everyone: Cell
    subgroups: Subgroups
    resampling: Resampling | None

    @cached_property
    def measured(self) -> Mapping[str, Measured]:
        """Each subgroup with its intervals, in the attribute's order."""
        return dict(zip(self.subgroups.names, self._everything[0], strict=False))

    @cached_property
    def _everything(self) -> tuple[list[Measured], NDArray[np.float64] | None]:
        """The subgroups and the images without the attribute, and the overall AUROC's replicates in the same draws."""
        attribute, patients, codes = self.subgroups.attribute, self.everyone.patients, self.subgroups.codes
        members = {f"Subgroup {name!r} of attribute {attribute!r}": member for name, member in self.subgroups.items()}
        members[f"Samples without attribute {attribute!r}"] = codes == MISSING
        cells = [self.cells.members(member, where) for where, member in members.items()]
        if self.resampling is None:
            return [Measured.of(cell) for cell in cells], None
        pulls = [self._pull[member] for member in members.values()]
        found = bootstrap(cells, patient_strata(patients, codes), self.resampling, pulls)
        # The overall AUROC moves by the sum of the drawn images' pulls, up to terms that vanish faster than its error.
        overall = self.everyone.values["auroc"].value
        drawn = np.sum([replicates["extra"] for replicates in found], axis=0)
        return (
            [Measured.of(cell, replicates) for cell, replicates in zip(cells, found, strict=True)],
            None if overall is None else overall + drawn,
        )

    @cached_property
    def _pull(self) -> NDArray[np.float64]:
        everyone = self.everyone
        if everyone.values["auroc"].value is None:
            return np.zeros(len(everyone))
        return everyone.placements.pull(everyone.labels)

    def assess(self) -> AttributeAssessment:
        """Returns the assessment."""
        everything, overall_replicates = self._everything
        comparisons = compare_subgroups(self.measured, self.everyone.values["auroc"], overall_replicates)
        if self.resampling is not None and self._shares_patients():
            comparisons = {name: _cautioned(value) for name, value in comparisons.items()}
        test = self._test(comparisons["auroc_gap"])
        if test is not None:
            gap = comparisons["auroc_gap"]
            comparisons["auroc_gap"] = replace(gap, extra={**gap.extra, **test.to_dict()})
        counts = class_counts(self.subgroups, self.everyone.labels)
        return AttributeAssessment(
            n_missing=self.subgroups.n_missing,
            missing=self._describe(everything[-1]) if self.subgroups.n_missing else None,
            minimum_detectable_gap=Value.of(lambda: minimum_detectable_gap(counts)),
            subgroups={name: self._describe(found) for name, found in self.measured.items()},
            comparisons=comparisons,
            pairs=() if self.resampling is None else _pairs(self.measured, test),
        )

    def _shares_patients(self) -> bool:
        known = self.subgroups.codes != MISSING
        owner = np.full(int(self.everyone.patients.max()) + 1, MISSING)
        owner[self.everyone.patients[known]] = self.subgroups.codes[known]
        return bool((owner[self.everyone.patients[known]] != self.subgroups.codes[known]).any())

    def _test(self, gap: Value) -> GapTest | None:
        if self.resampling is None or gap.value is None:
            return None
        known = self.subgroups.codes != MISSING
        everyone = self.everyone
        return gap_test(
            everyone.labels[known],
            everyone.scores[known],
            everyone.patients[known],
            self.subgroups.codes[known],
            self.subgroups.names,
            self.resampling,
            [found.cell.placements for found in self.measured.values()],
        )

    def _describe(self, measured: Measured) -> SubgroupAssessment:
        cell = measured.cell
        curves = None if self.resampling is None else draw_curves(cell)
        return SubgroupAssessment(len(cell), cell.n_positive, cell.n_patients, measured.values, curves)


def _cautioned(value: Value) -> Value:
    if value.low is None or value.extra.get("interval") != "extreme":
        return value
    told = " ".join(filter(None, [_SHARED_CAUTION, str(value.extra.get("caution") or "")]))
    return replace(value, extra={**value.extra, "caution": told})


def _pairs(subgroups: Mapping[str, Measured], test: GapTest | None) -> tuple[PairAssessment, ...]:
    tests = {} if test is None else {pair.subgroups: pair for pair in test.pairs}
    return tuple(
        PairAssessment((a, b), _difference(subgroups[a], subgroups[b]), tests.get((a, b)))
        for a, b in combinations(subgroups, 2)
    )


def _difference(a: Measured, b: Measured) -> Value:
    values = a.values["auroc"], b.values["auroc"]
    difference = Value.of(lambda: values[0].require() - values[1].require())
    estimates = a.estimates.get("auroc"), b.estimates.get("auroc")
    if estimates[0] is None or estimates[1] is None:
        return with_interval(difference, None, "mover")
    parts = [(estimate.value, *estimate.limits(ALPHA)) for estimate in estimates if estimate is not None]
    return with_interval(difference, difference_limits(parts[0], parts[1]), "mover")
