"""The processes that share each training, and what they tell each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed

from monai_fairtune.exceptions import FairTuneError, ProcessLostError

__all__ = ["Team", "noticing_loss"]

T = TypeVar("T")

_TIMEOUT = timedelta(minutes=30)
_PATIENCE = timedelta(days=365)  # the leader may wait for a database, or assess; that it ended is heard at once


class Team:
    """The processes that share each training, and this one's place among them; one process alone, unless it joined.

    All do the same at the same time. Rank 0, the leader, decides for all. Before they exchange tensors, and wherever
    one must wait for another, they first tell each other whether all came so far (``total``): an error of one ends the
    task of all, instead of leaving the others to wait. This goes over Gloo, whatever gradients go over, so that hosts
    wait for each other and not for devices.

    Attributes:
        rank: of this process.
        n_processes: how many there are.
    """

    rank = 0
    n_processes = 1
    _steps: distributed.ProcessGroup | None = None
    _tasks: distributed.ProcessGroup | None = None

    def __init__(self) -> None:
        self._told: BaseException | None = None

    @classmethod
    def join(cls, *, timeout: timedelta = _TIMEOUT) -> Team:
        """Returns the team of all processes that joined torch's default process group; all must call this.

        Args:
            timeout: how long a process may keep the others waiting within a task before it counts as lost.
        """
        team = cls()
        team.rank, team.n_processes = distributed.get_rank(), distributed.get_world_size()
        if team.n_processes > 1:
            team._steps, team._tasks = _everyone(timeout), _everyone(_PATIENCE)
        return team

    @contextmanager
    def together(self) -> Iterator[None]:
        """Surrounds what all processes do: an error of any ends it in all, and is raised in the leader.

        The others go on behind it, unless they were asked to stop.

        Raises:
            ProcessLostError: in every process, if one is gone.
        """
        try:
            yield
            self.total()
        except ProcessLostError:
            raise
        except BaseException as error:
            if self._told is None:  # else all know already, and a second error changes nothing
                self._tell(error)
            if self.rank == 0 or not isinstance(error, Exception):
                raise
        finally:
            self._told = None

    def total(self, value: float = 0.0) -> float:
        """Returns the sum of what the processes give, once all came so far.

        Raises:
            Exception: another process's error; other kinds than memory, files and this package's are RuntimeErrors.
            ProcessLostError: if a process is gone.
        """
        if self._steps is None:
            return value
        n_failed, found = self._exchange(0.0, value)
        if n_failed:
            self._told = self._first_error(None)
            raise self._told
        return found

    @property
    def is_ending(self) -> bool:
        """Whether an error of another process is ending the task: nothing may be tried again."""
        return self._told is not None

    def decided(self, decide: Callable[[], T]) -> T:
        """Returns what ``decide`` gives in the leader; the others do not call it."""
        found = [decide() if self.rank == 0 else None]
        self.total()
        decision: T = self._from_leader(found, self._steps)
        return decision

    def next_task(self, task: Any = None) -> Any:
        """Returns what the leader gives, for which the others wait as long as it takes."""
        return self._from_leader([task], self._tasks)

    @contextmanager
    def leading(self) -> Iterator[None]:
        """Surrounds what the leader does alone, between tasks; then tells the others whether it ended without an error.

        They hear it as the last task: True or False.
        """
        try:
            yield
        except ProcessLostError:  # the others notice it too, and one that hangs would not listen
            raise
        except BaseException:
            with suppress(ProcessLostError):  # people are told what came first
                self.next_task(False)
            raise
        self.next_task(True)

    def add_up(self, tensor: Tensor) -> None:
        """Makes a tensor the sum of all processes'; equal to the bit in each."""
        self.total()
        if self.n_processes > 1:
            with noticing_loss():
                distributed.all_reduce(tensor)

    def copy_leader(self, tensors: Iterable[Tensor]) -> None:
        """Makes tensors those of the leader."""
        self.total()
        if self.n_processes > 1:
            with noticing_loss():
                for tensor in tensors:
                    distributed.broadcast(tensor, 0)

    def _from_leader(self, found: list[Any], group: distributed.ProcessGroup | None) -> Any:
        if group is not None:
            with noticing_loss():
                distributed.broadcast_object_list(found, 0, group)
        return found[0]

    def _tell(self, error: BaseException) -> None:
        if self._steps is not None:
            self._exchange(1.0, 0.0)
            self._first_error(error)

    def _exchange(self, failed: float, value: float) -> list[float]:
        sums = torch.tensor([failed, value], dtype=torch.float64)
        with noticing_loss():
            distributed.all_reduce(sums, group=self._steps)
        return [float(one) for one in sums]

    def _first_error(self, own: BaseException | None) -> BaseException:
        """Returns the error of the lowest rank that has one; all processes must call this."""
        found: list[BaseException | None] = [None] * self.n_processes
        with noticing_loss():
            distributed.all_gather_object(found, None if own is None else _portable(own), group=self._steps)
        return next(error for error in found if error is not None)


def _everyone(timeout: timedelta) -> distributed.ProcessGroup:
    return cast("distributed.ProcessGroup", distributed.new_group(backend="gloo", timeout=timeout))


@contextmanager
def noticing_loss() -> Iterator[None]:
    """Surrounds a call that waits for other processes, if there are any.

    Raises:
        ProcessLostError: if one of them is gone.
    """
    try:
        yield
    except (RuntimeError, TypeError) as error:  # MONAI's gathering makes the one the other, and quotes every value
        own = error.__cause__ or error
        if isinstance(own, torch.OutOfMemoryError):
            raise own from None
        if not (distributed.is_available() and distributed.is_initialized()):
            raise
        raise ProcessLostError(
            "Another process of this training ended, or kept the others waiting for too long. Nothing that is finished "
            "is lost: see what that process says, and give the same command again."
        ) from own


def _portable(error: BaseException) -> BaseException:
    """Returns an error that another process can rebuild, with what decides about a fault: its kind or its text."""
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(error.errno, error.strerror)
    if isinstance(error, FairTuneError | MemoryError | torch.OutOfMemoryError):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
