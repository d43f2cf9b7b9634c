"""What can go wrong with a training, and what is done about it: the whole policy, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from monai_fairtune.predictions import is_disk_full
from monai_fairtune.tuning.out_of_memory import is_out_of_memory

__all__ = ["POLICY", "Fault", "FaultRule", "NextStep", "classify", "next_step"]

Fault = Literal["out_of_memory", "killed", "lost", "hung", "device_lost", "crashed", "disk_full", "interrupted"]


@dataclass(frozen=True)
class FaultRule:
    """What follows a fault.

    Args:
        meaning: what happened, for people.
        most_attempts: trainings of one job that may end in this fault before the job is given up; 0 where an attempt
            does not count and the job waits to be taken again.
        stops_search: whether giving up ends the search instead of failing the trial.
    """

    meaning: str
    most_attempts: int
    stops_search: bool = False


POLICY: Final[Mapping[Fault, FaultRule]] = {
    "out_of_memory": FaultRule("memory ran out; tried once more with half the batch and gradient accumulation", 2),
    "killed": FaultRule("the worker process was killed", 5),
    "lost": FaultRule("the worker was not heard of until its lease ran out", 5),
    "hung": FaultRule("no epoch ended within stall_timeout", 3),
    "device_lost": FaultRule("the device failed", 3),
    "crashed": FaultRule("an error that is none of the others", 2, stops_search=True),
    "disk_full": FaultRule("the disk is full; the worker stops and the job waits", 0),
    "interrupted": FaultRule("the worker was asked to stop; the job waits", 0),
}
"""Divergence is no fault: the same mask and seed diverge again, so the trial fails at once. Bad input (an image that
cannot be read, a configuration that does not fit) ends the search with its own sentence."""

_DEVICE = ("CUDA error", "device-side assert", "NCCL error", "uncorrectable ECC", "GPU is lost", "cuDNN error")


@dataclass(frozen=True)
class NextStep:
    """What becomes of a job after a fault: whether it waits to be tried again, is given up, or ends the search."""

    action: Literal["retry", "give_up", "stop"]
    accumulation_steps: int = 1


def next_step(faults: Sequence[Fault]) -> NextStep:
    """Returns what the policy says after these faults of one job, the last one being new.

    Example:
        >>> next_step(["out_of_memory"])
        NextStep(action='retry', accumulation_steps=2)
        >>> next_step(["out_of_memory", "out_of_memory"]).action, next_step(["crashed", "crashed"]).action
        ('give_up', 'stop')
    """
    accumulation_steps = 2 if "out_of_memory" in faults else 1
    rule = POLICY[faults[-1]]
    if rule.most_attempts == 0 or faults.count(faults[-1]) < rule.most_attempts:
        return NextStep("retry", accumulation_steps)
    return NextStep("stop" if rule.stops_search else "give_up", accumulation_steps)


def classify(error: BaseException) -> Fault:
    """Returns which fault an exception is, itself or one that it was raised from.

    Example:
        >>> import errno
        >>> classify(MemoryError()), classify(OSError(errno.ENOSPC, "No space left on device")), classify(KeyError())
        ('out_of_memory', 'disk_full', 'crashed')
        >>> [classify(RuntimeError(f"CUDA error: {what}")) for what in ("out of memory", "unspecified launch failure")]
        ['out_of_memory', 'device_lost']
    """
    seen: BaseException | None = error
    while seen is not None:
        if is_out_of_memory(seen):
            return "out_of_memory"
        if isinstance(seen, OSError) and is_disk_full(seen):
            return "disk_full"
        if isinstance(seen, RuntimeError) and any(sign in str(seen) for sign in _DEVICE):
            return "device_lost"
        seen = seen.__cause__ or seen.__context__
    return "crashed"
