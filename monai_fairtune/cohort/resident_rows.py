"""Some images of several splits, without a copy of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_fairtune.cohort.resident import Resident
from monai_fairtune.cohort.resident_split import HeldSplit
from monai_fairtune.exceptions import SplitError

__all__ = ["ResidentRows"]


class ResidentRows(Resident):
    """Images chosen from several splits that are held in one way. Batches are gathered from the splits' own images.

    Args:
        splits: which hold the images, with equal attributes, for one device.
        rows: the images' positions within the cohort, shape ``(n,)``, in the order that batches have unshuffled.
        name: what to call them in messages.

    Raises:
        SplitError: if no split holds an image.
    """

    def __init__(self, splits: Sequence[HeldSplit], rows: NDArray[np.int64], name: str) -> None:
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
        self._places = torch.tensor(places, dtype=torch.int64, device=splits[0].index.device)
        self._bounds = (0, *accumulate(len(split) for split in splits))
        self.labels = torch.cat([split.labels for split in splits])[self._places]
        self.groups = torch.cat([split.groups for split in splits])[self._places]
        self.index = torch.cat([split.index for split in splits])[self._places]

    def gather(self, rows: Tensor | slice) -> Tensor:
        """See :meth:`Resident.gather`."""
        places = self._places[rows]
        if places.device.type != "cpu":
            return self._gather_and_choose(places)
        parts = list(self._by_split(places))
        images = torch.cat([split.gather(own) for split, own, _ in parts])
        order = torch.cat([where for *_, where in parts]).argsort()
        return images[order.to(images.device)]

    def expect(self, rows: Tensor | slice) -> None:
        """See :meth:`Resident.expect`."""
        places = self._places[rows]
        if places.device.type == "cpu":
            for split, own, _ in self._by_split(places):
                split.expect(own)

    def _by_split(self, places: Tensor) -> Iterator[tuple[HeldSplit, Tensor, Tensor]]:
        """Yields each split, the rows of it that are wanted, and where in the batch they belong."""
        for split, (start, stop) in zip(self.splits, pairwise(self._bounds), strict=True):
            where = torch.nonzero((places >= start) & (places < stop)).flatten()
            yield split, places[where] - start, where

    def _gather_and_choose(self, places: Tensor) -> Tensor:
        """Gathers all rows from each split, then chooses: to choose first, the host would wait for the device."""
        first, *others = self.splits
        images = first.gather(places.clamp(max=len(first) - 1))
        for split, start in zip(others, self._bounds[1:], strict=False):
            part = split.gather((places - start).clamp(0, len(split) - 1))
            images = torch.where((places >= start).view(-1, 1, 1, 1), part, images)
        return images
