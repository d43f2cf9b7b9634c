"""What several processes need when they train together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from monai_fairtune.cohort import Batches

__all__ = ["EvenSteps", "join_processes", "leave_processes", "local_device"]


class EvenSteps:
    """A loader of as many batches as every process has: at a step that one process lacks, all others would wait.

    With one process nothing is left out; with several, at most one batch of one image.

    Args:
        batches: this process's.
    """

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        fewest_images = len(self.batches.split) // self.batches.world_size
        return (fewest_images + self.batches.batch_size - 1) // self.batches.batch_size

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        return islice(iter(self.batches), len(self))


def local_device() -> torch.device:
    """Returns this process's own GPU, or the processor where there is none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def join_processes() -> None:
    """Joins the processes that torchrun started: NCCL on GPUs, Gloo on processors.

    Ignite's first question about ranks is a collective call. It is asked here, by everyone at once: a handler that
    only the first process has would otherwise ask it alone, and wait for ever.
    """
    import ignite.distributed

    device = local_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.distributed.init_process_group(backend="nccl" if device.type == "cuda" else "gloo")
    ignite.distributed.sync()
    ignite.distributed.get_world_size()


def leave_processes() -> None:
    """Leaves the other processes, once all have come so far."""
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
