"""The cluster bootstrap of several cells of one split at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics.cell import Cell
from monai_fairtune.metrics.cell_replicates import ReplicatePlan
from monai_fairtune.metrics.resampling import PatientWeights, Resampling

__all__ = ["bootstrap"]


def bootstrap(
    cells: Sequence[Cell],
    strata: NDArray[np.int64],
    resampling: Resampling,
    extras: Sequence[NDArray[np.float64]] | None = None,
) -> list[Mapping[str, NDArray[np.float64]]]:
    """Returns every measure's replicates for each cell; all cells see the same draws.

    Args:
        cells: of one split.
        strata: shape ``(n_patients,)``, within which patients are drawn; see ``patient_strata``.
        resampling: how many replicates, from which seed.
        extras: for each cell a term for each of its images, whose sums come back as ``"extra"``.
    """
    drawn = PatientWeights(strata, resampling)
    plans = [
        ReplicatePlan.of(cell, drawn.position[cell.patients], None if extras is None else extras[k])
        for k, cell in enumerate(cells)
    ]
    table = drawn.map(lambda weights: np.stack([plan.compute(weights) for plan in plans], axis=1))
    return [plan.unpack(table[:, k]) for k, plan in enumerate(plans)]
