"""What a table of figures has to say about where it came from."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["describe", "show"]


def describe(*packages: str) -> dict[str, object]:
    """Returns machine, versions and command of this run."""
    return {
        "machine": processor(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("monai-fairtune", *packages)},
        "command": shlex.join(["python", *sys.argv]),
    }


def show(
    about: Mapping[str, Any],
    found: Mapping[str, Any],
    print_table: Callable[[Mapping[str, Any]], None],
    *,
    as_json: bool,
) -> None:
    """Prints figures with where they came from: as one JSON object, or line by line and then as a table."""
    if as_json:
        print(json.dumps({**about, **found}))
        return
    print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
    print_table(found)


def processor() -> str:
    """Returns how many processors of which name there are."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
