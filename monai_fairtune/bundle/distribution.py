"""What several processes need when they train together."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from monai_fairtune.exceptions import ProcessLostError
from monai_fairtune.search.workers import StopRequest
from monai_fairtune.tuning import BlendingTuner, DistributedTuner, Team

if TYPE_CHECKING:
    from monai_fairtune.cohort import Batches

__all__ = ["EvenSteps", "follow", "join_processes", "lead", "leave_processes", "local_device"]


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
    plain_errors = sys.excepthook
    torch.distributed.init_process_group(backend="nccl" if device.type == "cuda" else "gloo")
    sys.excepthook = plain_errors  # torch's own keeps what this one prints until it returns, and it exits
    ignite.distributed.sync()
    ignite.distributed.get_world_size()


def leave_processes() -> None:
    """Leaves the other processes, once all have come so far."""
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@contextmanager
def lead(team: Team, make_tuner: Callable[[], BlendingTuner]) -> Iterator[Callable[[], BlendingTuner]]:
    """Gives what makes the tuner of a search: with several processes, one whose trainings they share."""
    if team.n_processes == 1:
        yield make_tuner
        return
    with _speaking_last(), team.leading():
        yield lambda: DistributedTuner(make_tuner(), team)


def follow(team: Team, make_tuner: Callable[[], BlendingTuner]) -> None:
    """Trains and predicts with the process that leads, until its search is over.

    If that ended in an error, this process ends too, and leaves it to the leader to say why: torchrun, which hears of
    a process that failed, would end the leader before it has spoken.

    Raises:
        ProcessLostError: if a process is gone.
    """
    # Whoever asks to stop asks all processes. The leader ends its epoch, and this one with it.
    with _speaking_last(), StopRequest().listening():
        is_done = DistributedTuner(make_tuner(), team).follow()
    if not is_done:
        sys.exit(0)


@contextmanager
def _speaking_last() -> Iterator[None]:
    """Lets the sentence about a lost process reach the terminal: torchrun is about to end all that are left."""
    try:
        yield
    except ProcessLostError:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise
