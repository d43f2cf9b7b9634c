"""The command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys

__all__ = ["run"]


def run(*arguments: object, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    """Runs ``python -m monai_fairtune`` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "monai_fairtune", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": encoding},
        check=False,
    )
