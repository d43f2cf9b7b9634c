"""Where the images of splits are held: in a device's memory if they fit, else in the memory-mapped file."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import torch

from monai_fairtune.cohort.cache import CachedImages
from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.cohort.resident_mapped import MappedSplit
from monai_fairtune.cohort.resident_split import HeldSplit, ResidentSplit
from monai_fairtune.cohort.splits import SPLIT_NAMES

__all__ = ["hold_splits"]

_SHARE = 0.5  # of a GPU's memory: the rest is for weights, activations and gradients

_log = logging.getLogger(__name__)


def hold_splits(
    cohort: Cohort,
    cached: CachedImages,
    splits: Sequence[str] = SPLIT_NAMES,
    *,
    attributes: Sequence[str] | None = None,
    device: str | torch.device = "cpu",
    memory: float | None = None,
    n_sharing: int = 1,
) -> dict[str, HeldSplit]:
    """Returns splits whose images are all in a device's memory, or all read from the cache's file; batches are equal.

    They are copied to the device if their bytes are at most ``memory``. By default this is half of a GPU's free memory,
    or half of the process's part of the whole where that is less, and nothing on a processor: there the operating
    system keeps the file's pages in memory as long as there is room, once for all processes, and a copy would be one
    more for each of them.

    Args:
        cohort: labels and subgroups.
        cached: its images.
        splits: the names of all splits that are needed at the same time.
        attributes: the order of the columns of ``group``; by default that of ``cohort.subgroups``.
        device: where batches lie.
        memory: bytes that images may take there; divide it if several processes share a GPU.
        n_sharing: processes that share a GPU and hold images there: by default each may take its part of the memory.

    Returns:
        Name to split.

    Raises:
        SplitError: if there is no such split, or the images are another cohort's.
        ConfigurationError: if an attribute is not one of the cohort's.
    """
    place = torch.device(device)
    allowed = _default_memory(place, n_sharing) if memory is None else memory
    needed = sum(len(cohort.indices(split)) for split in splits) * cached.array[:1].nbytes
    fits = needed <= allowed
    if allowed and not fits:
        _log.warning(
            "Images take %.1f GB, more than the %.1f GB that they may take on %s, and are read from the cache's file.",
            needed / 1e9,
            allowed / 1e9,
            place,
        )
    held = ResidentSplit if fits else MappedSplit
    return {split: held(cohort, cached, split, attributes, place) for split in splits}


def _default_memory(device: torch.device, n_sharing: int) -> float:
    if device.type == "cpu":
        return 0.0
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return _SHARE * min(free, total / n_sharing)  # processes that start at once see the same free memory
    return math.inf
