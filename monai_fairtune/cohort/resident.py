"""Images as batches on the device that trains on them."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["Batches", "Resident"]


class Resident(ABC):
    """Images at hand for the device that trains on them, and what is known of each.

    The tensors ``labels``, ``groups`` and ``index`` lie where ``gather`` looks images up: on the device, or on the host
    if images are read from a file there.

    Attributes:
        name: what to call them in messages, such as ``"the train split"``.
        device: where batches lie.
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
        """Returns copies of the images at ``rows``, positions from 0 to n - 1: float32 ``(len(rows), C, S, S)``.

        Args:
            rows: a slice, or int64 where ``index`` lies.
        """

    def expect(self, rows: Tensor | slice) -> None:  # noqa: B027
        """Says that ``gather(rows)`` comes next but one: images on a disk start to be read. Others need no notice."""

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

    @property
    def sizes(self) -> set[int]:
        """How many images a batch may have: one number, or two if the last batch is smaller."""
        return {min(self.batch_size, self.n_images), self.n_images % self.batch_size or self.batch_size}

    def __len__(self) -> int:
        return (self.n_images + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        epoch = self.epoch
        self.epoch += 1
        order = self._order(epoch)
        parts = [slice(start, start + self.batch_size) for start in range(0, self.n_images, self.batch_size)]
        rows: list[Tensor | slice] = [part if order is None else order[part] for part in parts]
        self.split.expect(rows[0])
        for number, now in enumerate(rows):
            if number + 1 < len(rows):
                self.split.expect(rows[number + 1])
            yield self._batch(now, epoch, number)

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
        return order[self.rank :: self.world_size].to(self.split.index.device)

    def _batch(self, rows: Tensor | slice, epoch: int, number: int) -> dict[str, Tensor]:
        split = self.split
        images = split.gather(rows)
        if self.augmentation is not None:
            seed = _derive(self.seed, epoch, f"augmentation {number} {self.rank}")
            with _seeded(split.device, seed), torch.no_grad():
                images = self.augmentation(images)
        return {
            "image": images,
            "label": split.labels[rows].to(split.device, non_blocking=True),
            "group": split.groups[rows].to(split.device, non_blocking=True),
            "index": split.index[rows].to(split.device, non_blocking=True),
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
