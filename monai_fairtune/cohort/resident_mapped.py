"""One split of a cohort, with its images in a memory-mapped file."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_fairtune.cohort.cache import CachedImages
from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.cohort.resident_split import HeldSplit

__all__ = ["MappedSplit"]


class MappedSplit(HeldSplit):
    """One split whose images are read from the cache's file, batch by batch: they need no memory of their own.

    The operating system keeps in memory what it has room for of the file, once for all processes. A batch is asked for
    one batch ahead, so that the disk reads all its images at once while the network works; without that each image
    would be waited for in turn.

    Args:
        cohort: labels and subgroups.
        cached: its images.
        split: the split's name.
        attributes: the order of the columns of ``group``; by default that of ``cohort.subgroups``.
        device: where batches lie; labels and subgroups stay on the host.

    Raises:
        SplitError: if there is no such split, or the images are another cohort's.
        ConfigurationError: if an attribute is not one of the cohort's.
    """

    def __init__(
        self,
        cohort: Cohort,
        cached: CachedImages,
        split: str,
        attributes: Sequence[str] | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__(cohort, cached, split, attributes, device, at="cpu")
        self._images = np.asarray(cached.array)  # each access to a memmap itself makes an object
        self._rows = self.index.numpy()
        self._first_byte = int(getattr(cached.array, "offset", 0))
        self._file: int | None = None
        if isinstance(cached.array, np.memmap) and hasattr(os, "posix_fadvise"):
            self._file = os.open(cached.path, os.O_RDONLY)
            weakref.finalize(self, os.close, self._file)

    def expect(self, rows: Tensor | slice) -> None:
        """See :meth:`Resident.expect`."""
        if self._file is None:
            return
        n_bytes = self._images[0].nbytes
        with suppress(OSError):  # where a file system takes no advice, images are read when they are needed
            for row in np.sort(self._in_file(rows)).tolist():
                os.posix_fadvise(self._file, self._first_byte + row * n_bytes, n_bytes, os.POSIX_FADV_WILLNEED)

    def gather(self, rows: Tensor | slice) -> Tensor:
        """See :meth:`Resident.gather`."""
        wanted = self._in_file(rows)
        # Pinned memory is what a GPU copies from while the processor goes on.
        is_cuda = self.device.type == "cuda"
        images = torch.empty((len(wanted), *self._images.shape[1:]), dtype=torch.float16, pin_memory=is_cuda)
        np.take(self._images, wanted, axis=0, out=images.numpy(), mode="clip")  # the other modes take a copy more
        return images.to(self.device, non_blocking=is_cuda).float()

    def _in_file(self, rows: Tensor | slice) -> NDArray[np.int64]:
        """Returns the positions within the file, and refuses those outside the split."""
        return self._rows[rows if isinstance(rows, slice) else rows.numpy()]
