"""Being asked to stop: by a scheduler before it takes a machine away, or by whoever started the search."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from monai_fairtune.exceptions import SearchInterruptedError

__all__ = ["StopRequest", "die_with_parent"]

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name))


class StopRequest:
    """Whether this process was asked to stop: by SIGTERM, SIGUSR1, or the end of the process that started it.

    A training ends after its epoch, gives its job back, and the process exits with code 75: try again later.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = ""

    @property
    def is_set(self) -> bool:
        """Says whether to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Ends whatever goes on if this process was asked to stop.

        Raises:
            SearchInterruptedError: with the reason.
        """
        if self.is_set:
            raise SearchInterruptedError(
                f"The search was asked to stop ({self.reason}). Nothing is lost: the same command goes on."
            )

    def set(self, reason: str) -> None:
        """Asks to stop."""
        self.reason = self.reason or reason
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleeps, unless asked to stop; says whether it was."""
        return self._event.wait(seconds)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listens for signals meanwhile, where Python allows it (in the main thread) and nobody else listens."""
        previous = {}
        if threading.current_thread() is threading.main_thread():
            free = [number for number in _SIGNALS if signal.getsignal(number) == signal.SIG_DFL]
            previous = {number: signal.signal(number, self._hear) for number in free}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.set(signal.Signals(number).name)


def die_with_parent(parent: int) -> None:
    """Ends this process when the one that started it ends; at once, if it has ended already.

    Later ends are noticed by the kernel, on Linux only.

    Args:
        parent: the process number of the one that started this.
    """
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(75)
