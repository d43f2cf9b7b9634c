"""Assessing the subgroups of one attribute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
_FEW_PATIENTS = 50
_FEW_CAUTION = (
    "A subgroup holds {} patients of one class: with so few, this interval is often wider than 95 % confidence needs."
)


@dataclass(frozen=True)
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

    def assess(self) -> AttributeAssessment:
        """Returns the assessment."""
        attribute, overall = self.subgroups.attribute, self.everyone.values["auroc"]
        taken = {
            name: self.cells.members(member, f"Subgroup {name!r} of attribute {attribute!r}")
            for name, member in self.subgroups.items()
        }
        missing = self.cells.members(self.subgroups.codes == MISSING, f"Samples without attribute {attribute!r}")
        measured, overall_replicates = self._measure([*taken.values(), missing])
        by_name = dict(zip(taken, measured, strict=False))
        comparisons = compare_subgroups(by_name, overall, overall_replicates)
        caution = self._caution(list(by_name.values()))
        if caution:
            comparisons = {name: _cautioned(value, caution) for name, value in comparisons.items()}
        test = self._test(comparisons["auroc_gap"])
        if test is not None:
            gap = comparisons["auroc_gap"]
            comparisons["auroc_gap"] = replace(gap, extra={**gap.extra, **test.to_dict()})
        counts = class_counts(self.subgroups, self.everyone.labels)
        return AttributeAssessment(
            n_missing=self.subgroups.n_missing,
            missing=self._describe(measured[-1]) if self.subgroups.n_missing else None,
            minimum_detectable_gap=Value.of(lambda: minimum_detectable_gap(counts)),
            subgroups={name: self._describe(found) for name, found in by_name.items()},
            comparisons=comparisons,
            pairs=() if self.resampling is None else _pairs(by_name, test),
        )

    def _measure(self, cells: list[Cell]) -> tuple[list[Measured], NDArray[np.float64] | None]:
        """Returns the cells with their intervals, and the overall AUROC's replicates in the same draws."""
        if self.resampling is None:
            return [Measured.of(cell) for cell in cells], None
        patients, codes = self.everyone.patients, self.subgroups.codes
        pull = self._pull()
        members = [*(member for _, member in self.subgroups.items()), codes == MISSING]
        found = bootstrap(cells, patient_strata(patients, codes), self.resampling, [pull[member] for member in members])
        # The overall AUROC moves by the sum of the drawn images' pulls, up to terms that vanish faster than its error.
        overall = self.everyone.values["auroc"].value
        drawn = np.sum([replicates["extra"] for replicates in found], axis=0)
        return (
            [Measured.of(cell, replicates) for cell, replicates in zip(cells, found, strict=True)],
            None if overall is None else overall + drawn,
        )

    def _pull(self) -> NDArray[np.float64]:
        everyone = self.everyone
        if everyone.values["auroc"].value is None:
            return np.zeros(len(everyone))
        return everyone.placements.pull(everyone.labels)

    def _caution(self, subgroups: list[Measured]) -> str:
        """Returns what to know about the intervals of the extremes, or nothing."""
        if self.resampling is None:
            return ""
        fewest = min(found.cell.counts[group][1] for found in subgroups for group in ("positive", "negative"))
        told = [_SHARED_CAUTION] if self._shares_patients() else []
        if fewest < _FEW_PATIENTS:
            told.append(_FEW_CAUTION.format(fewest))
        return " ".join(told)

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
        )

    def _describe(self, measured: Measured) -> SubgroupAssessment:
        cell = measured.cell
        curves = None if self.resampling is None else draw_curves(cell)
        return SubgroupAssessment(len(cell), cell.n_positive, cell.n_patients, measured.values, curves)


def _cautioned(value: Value, caution: str) -> Value:
    if value.low is None or value.extra.get("interval") != "extreme":
        return value
    return replace(value, extra={**value.extra, "caution": caution})


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
