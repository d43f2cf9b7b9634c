"""Logs as JSON lines, in which no value of a DICOM object and no path can stand."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["configure_logs", "log"]

_OURS = "monai_fairtune.deploy.node"
_logger = logging.getLogger(_OURS)


def log(level: int, event: str, **fields: str | float | Mapping[str, int] | None) -> None:
    """Writes one line.

    Args:
        level: of ``logging``.
        event: what happened: a constant, never text of a peer or of an exception.
        fields: pseudonyms, counts, seconds, names of exception types and reasons.
    """
    _logger.log(level, event, extra={"fields": fields})


def configure_logs(level: str) -> None:
    """Sends this process's logs to standard error as JSON lines, one each.

    Of other libraries' records and warnings, which may quote elements of an image, only the fact and the library's name
    are kept; of an error that nobody caught, its type and where it arose.

    Args:
        level: from which our own records are written: ``debug``, ``info``, ``warning`` or ``error``.
    """
    from pynetdicom import _config

    _config.LOG_HANDLER_LEVEL = "none"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    _logger.setLevel(level.upper())
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda given: _log_uncaught(given.exc_type, given.exc_value, given.exc_traceback)
    sys.unraisablehook = lambda given: _log_uncaught(given.exc_type, given.exc_value, given.exc_traceback)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"time": _iso(record.created), "level": record.levelname.lower()}
        if record.name == _OURS:
            line |= {"event": record.msg, **getattr(record, "fields", {})}
        else:
            line |= {"event": "another library has something to say", "library": record.name}
        return json.dumps(line, allow_nan=False)


def _log_uncaught(kind: type[BaseException], _error: BaseException | None, where: TracebackType | None) -> None:
    frames = traceback.extract_tb(where)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    log(logging.ERROR, "unexpected error", kind=kind.__name__, where=place)


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
