"""What a table of figures has to say about where it came from."""

from __future__ import annotations

import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

__all__ = ["describe"]


def describe(*packages: str) -> dict[str, object]:
    """Returns machine, versions and command of this run."""
    return {
        "machine": processor(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("monai-fairtune", *packages)},
        "command": shlex.join(["python", *sys.argv]),
    }


def processor() -> str:
    """Returns how many processors of which name there are."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
