"""JSON files that are there whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai_fairtune.predictions.durable import write_durably

__all__ = ["read_json", "write_json"]


def write_json(path: Path, data: Any) -> None:
    """Writes ``data`` as JSON, whole and durably.

    Raises:
        ValueError: if ``data`` holds a NaN or an infinity.
    """
    write_durably(path, json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    """Returns what ``write_json`` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
