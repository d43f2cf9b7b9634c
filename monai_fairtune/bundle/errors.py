"""One sentence instead of a traceback, for ``python -m monai.bundle``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TypeAlias

from monai_fairtune.bundle.command_line import refuse_unknown_options, runs_monai_bundle
from monai_fairtune.exceptions import find_error

__all__ = ["plain_errors"]

_Hook: TypeAlias = Callable[[type[BaseException], BaseException, TracebackType | None], object]


def plain_errors(*, goes_on: bool = False) -> None:
    """Prints this package's errors as their one sentence and exits with their code, wherever a config raises them.

    It comes first in a config's ``initialize``, and also refuses options that the config does not know: MONAI would
    take a misspelled one in silence. It does nothing unless the process is ``python -m monai.bundle``; other programs
    catch the errors themselves.

    Args:
        goes_on: whether the same command, given again, goes on where an interrupted one stopped.

    Raises:
        ConfigurationError: if the command line names an unknown option.
    """
    if not runs_monai_bundle():
        return
    if not isinstance(sys.excepthook, _PlainErrors):
        sys.excepthook = _PlainErrors(sys.excepthook, goes_on=goes_on)
    refuse_unknown_options(sys.argv[1:])


class _PlainErrors:
    """An ``excepthook`` that knows this package's errors and leaves all others to the hook before it."""

    def __init__(self, other: _Hook, *, goes_on: bool) -> None:
        self.other, self.goes_on = other, goes_on

    def __call__(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.stderr.write(f"\nInterrupted.{' The same command goes on where it stopped.' if self.goes_on else ''}\n")
            raise SystemExit(130)
        known = find_error(error)
        if known is None:
            self.other(kind, error, traceback)
            return
        sys.stdout.flush()
        sys.stderr.write(f"{known}\n")
        raise SystemExit(known.exit_code)
