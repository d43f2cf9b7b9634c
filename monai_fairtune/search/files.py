"""Files that are there whole or not at all."""

from __future__ import annotations

from monai_fairtune.predictions import read_json, write_json

__all__ = ["read_json", "write_json"]
