"""A split held in the memory of the device that trains on it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from monai_fairtune.cohort.cache import CachedImages
from monai_fairtune.cohort.cohort import Cohort
from monai_fairtune.exceptions import ConfigurationError, SplitError

__all__ = ["Batches", "Resident", "ResidentSplit"]


class Resident(ABC):
    """Images in the memory of the device that trains on them, and what is known of each.

    Attributes:
        name: what to call them in messages, such as ``"the train split"``.
        device: where the tensors lie.
        labels: int64 ``(n,)``.
        groups: int64 ``(n, n_attributes)``, positions in each attribute's names, -1 where missing.
        index: int64 ``(n,)``, positions within the cohort.
    """

    name: str
    device: torch.device
    labels: Tensor
    groups: Tensor
    index: Tensor

    @abstractmethod
    def gather(self, rows: Tensor | slice) -> Tensor:
        """Returns copies of the images at ``rows``, positions from 0 to n - 1: float32 ``(len(rows), C, S, S)``."""

    def __len__(self) -> int:
        return len(self.index)

    def batches(
        self,
        batch_size: int,
        *,
        shuffle: bool,
        seed: int = 0,
        augmentation: nn.Module | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> Batches:
        """Returns the images as batches; every image comes once an epoch, in the last batch too.

        Args:
            batch_size: images a batch; the last one may be smaller.
            shuffle: whether each epoch has an order of its own; else the cohort's.
            seed: decides order and augmentation. Equal seeds give equal batches to the bit, on one kind of device.
            augmentation: a module applied to whole batches of images, or None.
            rank: which of ``world_size`` processes this is.
            world_size: how many processes share an epoch. Images are dealt one by one and never repeated, so that
                processes may hold one image more or less.

        Raises:
            ConfigurationError: if a number is out of range, or a process would have no image.
        """
        return Batches(self, batch_size, shuffle, seed, augmentation, rank, world_size)


class ResidentSplit(Resident):
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
        self.images = torch.from_numpy(cached.array[rows]).to(self.device)
        self.labels = torch.from_numpy(cohort.labels[rows]).to(self.device)
        self.groups = torch.from_numpy(np.ascontiguousarray(codes.reshape(-1, len(rows)).T)).to(self.device)
        self.index = torch.from_numpy(rows).to(self.device)

    def gather(self, rows: Tensor | slice) -> Tensor:
        """See :meth:`Resident.gather`."""
        return self.images[rows].float()


class Batches:
    """A loader: iterate it once an epoch. See ``Resident.batches``.

    Yields dictionaries of tensors on the split's device: ``image`` float32 ``(B, C, S, S)``, ``label`` int64 ``(B,)``,
    ``group`` int64 ``(B, n_attributes)`` and ``index`` int64 ``(B,)``, positions within the cohort.

    Attributes:
        epoch: how many epochs have begun; set it to go on where another run stopped.
    """

    def __init__(
        self,
        split: Resident,
        batch_size: int,
        shuffle: bool,
        seed: int,
        augmentation: nn.Module | None,
        rank: int,
        world_size: int,
    ) -> None:
        if batch_size < 1 or not 0 <= rank < world_size:
            raise ConfigurationError(
                f"batch_size is {batch_size}, rank {rank} and world_size {world_size}. "
                "Give a batch size of 1 or more, and a rank below the world size."
            )
        if world_size > len(split):
            raise ConfigurationError(
                f"{split.name.capitalize()} holds {len(split)} images for {world_size} processes. Use fewer processes."
            )
        self.split, self.batch_size, self.shuffle, self.seed = split, batch_size, shuffle, seed
        self.augmentation = augmentation if augmentation is None else augmentation.to(split.device)
        self.rank, self.world_size = rank, world_size
        self.epoch = 0

    @property
    def n_images(self) -> int:
        """How many images this process sees in an epoch."""
        return len(range(self.rank, len(self.split), self.world_size))

    def __len__(self) -> int:
        return (self.n_images + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        epoch = self.epoch
        self.epoch += 1
        order = self._order(epoch)
        for number in range(len(self)):
            start = number * self.batch_size
            yield self._batch(order, start, epoch, number)

    def _order(self, epoch: int) -> Tensor | None:
        """Returns this process's positions within the split, or None for all in order: slices then copy nothing."""
        if not self.shuffle and self.world_size == 1:
            return None
        n = len(self.split)
        if self.shuffle:
            # Drawn on the processor, so that one seed gives one order on every device.
            generator = torch.Generator().manual_seed(_derive(self.seed, epoch, "order"))
            order = torch.randperm(n, generator=generator)
        else:
            order = torch.arange(n)
        return order[self.rank :: self.world_size].to(self.split.device)

    def _batch(self, order: Tensor | None, start: int, epoch: int, number: int) -> dict[str, Tensor]:
        split, stop = self.split, start + self.batch_size
        rows: Tensor | slice = slice(start, stop) if order is None else order[start:stop]
        images = split.gather(rows)
        if self.augmentation is not None:
            seed = _derive(self.seed, epoch, f"augmentation {number} {self.rank}")
            with _seeded(split.device, seed), torch.no_grad():
                images = self.augmentation(images)
        return {
            "image": images,
            "label": split.labels[rows],
            "group": split.groups[rows],
            "index": split.index[rows],
        }


def _derive(seed: int, epoch: int, purpose: str) -> int:
    """Returns a seed for one purpose in one epoch, unrelated to all others: 63 bits."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n{epoch}\n{purpose}".encode()).digest()[:8], "big") >> 1


@contextmanager
def _seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Seeds PyTorch's global generators of processor and device, and puts them back afterwards."""
    is_cuda = device.type == "cuda"
    devices = [torch.cuda.current_device() if device.index is None else device.index] if is_cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        for number in devices:
            with torch.cuda.device(number):
                torch.cuda.manual_seed(seed)
        yield
