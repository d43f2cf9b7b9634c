"""Finished trials, as a search method sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_fairtune.search.methods import Observation
from monai_fairtune.search.records import TrialRecord
from monai_fairtune.search.space import LEARNING_RATE, SearchSpace

__all__ = ["intermediate_values", "observations", "violations"]


def observations(
    records: Sequence[TrialRecord], space: SearchSpace, floor: float, max_trained_share: float | None
) -> list[Observation]:
    """Returns what a method may know: the trials within the space, those that repeat a mask as one with their mean.

    Args:
        records: finished trials, by number.
        space: trials outside it, such as full fine-tuning in the space of attentions, are left out.
        floor: the utility floor.
        max_trained_share: the largest share of parameters tuned, or None.
    """
    inside = [record for record in records if record.mask["partition"] == space.partition.name]
    seeds: dict[tuple[str, float], list[tuple[float, ...]]] = {}
    for record in inside:
        if record.values:
            seeds.setdefault((record.mask_key, record.hyperparameters[LEARNING_RATE]), []).append(record.values)
    found = []
    for record in (record for record in inside if record.replicate == 0):
        values = seeds.get((record.mask_key, record.hyperparameters[LEARNING_RATE]), [])
        found.append(
            Observation(
                {**record.mask["components"], LEARNING_RATE: record.hyperparameters[LEARNING_RATE]},
                record.state,
                tuple(float(value) for value in np.mean(values, axis=0)) if record.state == "complete" else None,
                violations(record, floor, max_trained_share),
                intermediate_values(record),
                record.notes,
            )
        )
    return found


def violations(record: TrialRecord, floor: float, max_trained_share: float | None) -> dict[str, float]:
    """Returns by how much a trial violates each constraint; it is feasible at or below 0."""
    found = {} if record.overall_auroc is None else {"utility_floor": floor - record.overall_auroc}
    if max_trained_share is not None:
        found["max_trained_share"] = record.trained_share - max_trained_share
    return found


def intermediate_values(record: TrialRecord) -> dict[int, float]:
    """Returns the deciding objective by epoch, or by fold."""
    return {int(rung.rpartition(" ")[2]): value for rung, (value, _) in record.at_rungs.items()}
