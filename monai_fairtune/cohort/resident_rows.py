"""Some images of several resident splits, without a copy of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_fairtune.cohort.resident import Resident, ResidentSplit
from monai_fairtune.exceptions import SplitError

__all__ = ["ResidentRows"]


class ResidentRows(Resident):
    """Images chosen from several splits on one device. Batches are gathered from the splits' own tensors.

    Args:
        splits: which hold the images, with equal attributes, on one device.
        rows: the images' positions within the cohort, shape ``(n,)``, in the order that batches have unshuffled.
        name: what to call them in messages.

    Raises:
        SplitError: if no split holds an image.
    """

    def __init__(self, splits: Sequence[ResidentSplit], rows: NDArray[np.int64], name: str) -> None:
        held = torch.cat([split.index for split in splits]).cpu().numpy()
        place_of = {row: place for place, row in enumerate(held.tolist())}
        places = [place_of[row] for row in rows.tolist() if row in place_of]
        n_absent = len(rows) - len(places)
        if n_absent:
            raise SplitError(
                f"{n_absent} of {len(rows)} images of {name} are in none of the splits "
                f"{[split.split for split in splits]}. Give the splits of the same cohort."
            )
        self.name, self.device, self.splits = name, splits[0].device, tuple(splits)
        self._places = torch.tensor(places, dtype=torch.int64, device=self.device)
        self.labels = torch.cat([split.labels for split in splits])[self._places]
        self.groups = torch.cat([split.groups for split in splits])[self._places]
        self.index = torch.cat([split.index for split in splits])[self._places]

    def gather(self, rows: Tensor | slice) -> Tensor:
        """See :meth:`Resident.gather`."""
        places = self._places[rows]
        first, *others = self.splits
        images, n_before = first.images[places.clamp(max=len(first) - 1)], len(first)
        for split in others:
            # All rows are gathered from each split and then chosen from: choosing rows first would hold the device up.
            part = split.images[(places - n_before).clamp(0, len(split) - 1)]
            images = torch.where((places >= n_before).view(-1, 1, 1, 1), part, images)
            n_before += len(split)
        return images.float()
