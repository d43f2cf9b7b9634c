"""One split of a cohort, with its images in the memory of the device that trains on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from monai_fairtune.cohort.cache import CachedImages
from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.cohort.resident import Resident
from monai_fairtune.exceptions import ConfigurationError, SplitError

__all__ = ["HeldSplit", "ResidentSplit"]

_BLOCK = 256  # images that pass through the host's memory at once: a GPU may have more of it


class HeldSplit(Resident):
    """One split's labels and subgroups as tensors; its members say where the images are.

    Args:
        cohort: labels and subgroups.
        cached: its images.
        split: the split's name.
        attributes: the order of the columns of ``group``; by default that of ``cohort.subgroups``.
        device: where batches lie.
        at: where labels and subgroups lie.

    Raises:
        SplitError: if there is no such split, or the images are another cohort's.
        ConfigurationError: if an attribute is not one of the cohort's.
    """

    def __init__(
        self,
        cohort: Cohort,
        cached: CachedImages,
        split: str,
        attributes: Sequence[str] | None,
        device: str | torch.device,
        at: str | torch.device,
    ) -> None:
        if len(cached) != cohort.n:
            raise SplitError(f"{len(cached)} cached images were given for {cohort.n}. Cache this cohort's images.")
        self.attributes = tuple(cohort.subgroups if attributes is None else attributes)
        unknown = [name for name in self.attributes if name not in cohort.subgroups]
        if unknown:
            raise ConfigurationError(
                f"The cohort has no attribute {unknown}; it has {list(cohort.subgroups)}. Declare it with the cohort."
            )
        rows = cohort.indices(split)
        codes = np.array([cohort.subgroups[name].codes[rows] for name in self.attributes], dtype=np.int64)
        self.split, self.name = split, f"the {split} split"
        self.device = torch.device(device)
        self.labels = torch.from_numpy(cohort.labels[rows]).to(at)
        self.groups = torch.from_numpy(np.ascontiguousarray(codes.reshape(-1, len(rows)).T)).to(at)
        self.index = torch.from_numpy(rows).to(at)


class ResidentSplit(HeldSplit):
    """One split's images, labels and subgroups as tensors on a device: batches are gathered there, nothing is loaded.

    Args:
        cohort: labels and subgroups.
        cached: its images.
        split: the split's name.
        attributes: the order of the columns of ``group``; by default that of ``cohort.subgroups``.
        device: where the tensors lie. Images stay float16, half the memory of the float32 that batches have.

    Raises:
        SplitError: if there is no such split, or the images are another cohort's.
        ConfigurationError: if an attribute is not one of the cohort's.

    Attributes:
        images: float16 ``(n, C, S, S)``; the order is the cohort's.
    """

    def __init__(
        self,
        cohort: Cohort,
        cached: CachedImages,
        split: str,
        attributes: Sequence[str] | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__(cohort, cached, split, attributes, device, at=device)
        rows = cohort.indices(split)
        self.images = torch.empty((len(rows), *cached.array.shape[1:]), dtype=torch.float16, device=self.device)
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            self.images[block] = torch.from_numpy(cached.array[rows[block]])

    def gather(self, rows: Tensor | slice) -> Tensor:
        """See :meth:`Resident.gather`."""
        return self.images[rows].float()
