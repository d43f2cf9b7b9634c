"""What screening finds, kept with the anchor that it was done with, and the trials that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.objectives import Objective
from monai_fairtune.predictions import Predictions
from monai_fairtune.screening import screen_masks
from monai_fairtune.search.records import TrialRecords
from monai_fairtune.search.seeds import derive_seed
from monai_fairtune.search.settings import SearchSettings
from monai_fairtune.search.warm_start import WarmMask
from monai_fairtune.tuning import BlendingTuner, TunedModel, Tuner

__all__ = [
    "SCREENED_WITH",
    "check_can_blend",
    "describe_screening",
    "screen_with",
    "screened_masks",
    "screening_anchor",
    "screening_anchors",
]

SCREENED_WITH = "all components"
"""The name of the anchor that masks are screened with, where no other anchor tunes just the whole search space."""


def screening_anchor(anchors: Mapping[str, Mask], partition: Partition) -> str | None:
    """Returns the name of the anchor that masks are screened with, the first one that tunes just the search space."""
    everything = partition.all_tuned()
    return next((name for name, mask in anchors.items() if partition.find_equal(mask) == everything), None)


def screening_anchors(anchors: Mapping[str, Mask], partition: Partition) -> dict[str, Mask]:
    """Returns the anchors, and the one that masks are screened with if it is not among them."""
    added = {} if screening_anchor(anchors, partition) else {SCREENED_WITH: partition.all_tuned()}
    return {**anchors, **added}


def check_can_blend(tuner: Tuner) -> BlendingTuner:
    """Returns the tuner.

    Raises:
        ConfigurationError: if it cannot blend, as screening needs.
    """
    if not isinstance(tuner, BlendingTuner):
        raise ConfigurationError(
            f"screening is on, and {type(tuner).__name__} has no method 'blend'. "
            "Give a tuner that can blend, or leave screening out."
        )
    return tuner


def screen_with(
    tuner: Tuner,
    model: TunedModel,
    mask: Mask,
    objective: Objective,
    settings: SearchSettings,
    on_progress: Callable[[], None],
) -> list[dict[str, Any]]:
    """Screens masks with a model and returns them as plain JSON, the most promising first.

    Args:
        tuner: made the model.
        model: trained under ``mask``.
        mask: tunes every component of its partition.
        objective: what to optimise.
        settings: of the search.
        on_progress: called after each round of masks.

    Raises:
        ConfigurationError: if the tuner cannot blend.
        MaskError: if the network cannot be taken apart.
    """
    blending = check_can_blend(tuner)

    def blend(masks: Sequence[Mask]) -> Sequence[Predictions]:
        found = blending.blend(model, masks)
        on_progress()
        return found

    found = screen_masks(
        blend,
        mask.partition,
        objective,
        n_masks=settings.n_screened,
        seed=derive_seed(settings.seed, "screening"),
        utility_margin=settings.utility_margin,
        max_trained_share=1.0 if settings.max_trained_share is None else settings.max_trained_share,
    )
    return [
        {
            "mask_key": one.mask.key,
            "tuned": sorted(one.mask.tuned),
            "value": one.value,
            "overall_auroc": one.overall_auroc,
        }
        for one in found
    ]


def screened_masks(
    records: TrialRecords, partition: Partition, others: Sequence[WarmMask], settings: SearchSettings
) -> list[WarmMask]:
    """Returns the masks to be trained because of their screening, the most promising first.

    Args:
        records: of the anchors at least.
        partition: the search space.
        others: masks that are trained anyway.
        settings: how many, and their learning rate: that of the anchors.
    """
    if not settings.screening:
        return []
    anchors = [record for record in records.all if record.kind == "anchor"]
    tried = {record.mask_key for record in anchors} | {one.mask.key for one in others}
    new = [one for record in anchors for one in record.screened if one["mask_key"] not in tried]
    return [
        WarmMask(partition.mask(one["tuned"]), settings.fixed_learning_rate, "screening")
        for one in new[: settings.n_screened_trials]
    ]


def describe_screening(records: TrialRecords) -> dict[str, Any] | None:
    """Returns how many masks were screened, and what those that were trained came to; None without screening.

    Args:
        records: of the whole search.

    Returns:
        ``n_screened``, ``screened_with`` (the anchor's name), and ``trials``: for each screened mask that was trained,
        its ``trial``, the value that was ``screened`` and the value that was ``trained``, None if that failed.
    """
    anchor = next((record for record in records.all if record.screened), None)
    if anchor is None:
        return None
    values = {one["mask_key"]: one["value"] for one in anchor.screened}
    return {
        "n_screened": len(anchor.screened),
        "screened_with": anchor.name,
        "trials": [
            {"trial": record.number, "screened": values[record.mask_key], "trained": record.value}
            for record in records.all
            if record.kind == "search" and record.mask_key in values
        ],
    }
