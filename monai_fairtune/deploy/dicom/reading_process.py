"""The process that reads files for ``ImageReader``: ``python -m monai_fairtune.deploy.dicom.reading_process FD``."""

from __future__ import annotations

import errno
import json
import math
import resource
import sys
import warnings
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path

from monai_fairtune.deploy.dicom.reading import read_file
from monai_fairtune.deploy.dicom.rules import ReadingLimits, ReadingRules

__all__ = ["serve_reader"]

_LEAST_MEMORY = 1 << 26


def serve_reader(connection: Connection) -> None:
    """Answers each request, until the other end is closed; what is printed here goes nowhere."""
    import pydicom.pixels  # noqa: F401 - now, so that no file's time is spent on it

    rules = ReadingRules.from_dict(json.loads(connection.recv_bytes()))
    warnings.simplefilter("ignore")
    _limit_memory(rules.limits)
    connection.send_bytes(b"ready")
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        _limit_processor(rules.limits)
        pixels = None if request["pixels"] is None else Path(request["pixels"])
        try:
            reply = asdict(read_file(Path(request["path"]), pixels, rules))
        except OSError as error:
            reply = {"errno": error.errno or errno.ENOSPC}  # NumPy gives a write that fell short no number
        connection.send_bytes(json.dumps(reply).encode())


def _limit_memory(limits: ReadingLimits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.n_memory, limits.n_memory))
    bytearray(_LEAST_MEMORY)  # better to end here than to refuse every file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the patient's data


def _limit_processor(limits: ReadingLimits) -> None:
    """Sees to it that the process ends even when the one that should kill it is gone."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime + limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    serve_reader(Connection(int(sys.argv[1])))
