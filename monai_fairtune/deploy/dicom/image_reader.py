"""Reading files of unknown origin without harm: in another process, within limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Any

from monai_fairtune.deploy.dicom.intended_use import require_known_waivers
from monai_fairtune.deploy.dicom.reading import ReadFile
from monai_fairtune.deploy.dicom.refusal import Reason, Refusal
from monai_fairtune.deploy.dicom.rules import ReadingRules
from monai_fairtune.exceptions import DiskFullError, RunError
from monai_fairtune.predictions import is_disk_full

__all__ = ["ImageReader"]

_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "HOME", "TMPDIR")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_START_SECONDS = 120
_LONGEST_REPLY = 1 << 20
_LATE: dict[str, Any] = {"late": True}


class ImageReader:
    """Reads DICOM files in a process of its own, which is killed and replaced when a file takes it too long.

    That process has a limit of memory, gets none of this one's secrets, and whatever libraries print there is thrown
    away: it quotes headers. One at a time: it is not safe to share between threads.

    Args:
        rules: what a file must comply with.

    Raises:
        ConfigurationError: if the intended use allows what does not exist.

    Example:
        >>> with ImageReader(ReadingRules()) as reader:
        ...     print(reader.read(Path("absent.dcm")).refusal.reason.value)
        unreadable
    """

    def __init__(self, rules: ReadingRules) -> None:
        require_known_waivers(rules.use)
        self.rules = rules
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Any = None

    def __enter__(self) -> ImageReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def read(self, path: Path, pixels: Path | None = None) -> ReadFile:
        """Returns what a file is, within the limits; see ``read_file``.

        Args:
            path: of the file.
            pixels: the NPY file that receives its pixels, or None to read the header alone.

        Raises:
            RunError: if the process that reads cannot be started, or the pixels cannot be written.
        """
        request = {"path": str(path.absolute()), "pixels": None if pixels is None else str(pixels)}
        # What ended may have been killed for want of memory, before or meanwhile: one death proves nothing of the file.
        reply = self._ask(request) or self._ask(request)
        if reply is None:
            return _refused(
                Reason.UNREADABLE, "The process that read it ended. It is damaged, or takes too much memory."
            )
        if reply == _LATE:
            return _refused(Reason.TOO_SLOW, f"To read it takes more than {self.rules.limits.seconds:g} seconds.")
        if "errno" in reply:
            raise _unwritten(reply["errno"])
        refusal = reply["refusal"]
        found = None if refusal is None else Refusal(Reason(refusal["reason"]), refusal["sentence"])
        return ReadFile(reply["identity"], reply["frame"], found)

    def close(self) -> None:
        """Ends the process that reads; the next file starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._connection.close()
        self._process = None

    def _ask(self, request: Mapping[str, str | None]) -> dict[str, Any] | None:
        """Returns the reply, ``_LATE`` where none came in time; None if the process has ended."""
        if self._process is None:
            self._start()
        try:
            self._connection.send_bytes(json.dumps(request).encode())
            if self._connection.poll(self.rules.limits.seconds):
                reply: dict[str, Any] = json.loads(self._connection.recv_bytes(_LONGEST_REPLY))
                return reply
        except (EOFError, OSError):
            self.close()
            return None
        self.close()
        return _LATE

    def _start(self) -> None:
        ours, theirs = Pipe()
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "monai_fairtune.deploy.dicom.reading_process", str(theirs.fileno())],
            env={**environment, **_ONE_THREAD},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self._connection = ours
        with suppress(EOFError, OSError):
            ours.send_bytes(json.dumps(self.rules.to_dict()).encode())
            if ours.poll(_START_SECONDS) and ours.recv_bytes() == b"ready":
                return
        self.close()
        raise RunError(
            f"The process that reads images did not start within {_START_SECONDS} seconds. "
            "Look whether the memory limit is too small for Python itself, or the machine is overloaded."
        )


def _refused(reason: Reason, sentence: str) -> ReadFile:
    return ReadFile(refusal=Refusal(reason, sentence))


def _unwritten(number: int) -> RunError:
    error = OSError(number, os.strerror(number))
    kind = DiskFullError if is_disk_full(error) else RunError
    return kind(f"The pixels of an image cannot be written: {error.strerror}. Make room where temporary files go.")
