"""What a search left in the output folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.files import read_json

__all__ = ["read_object", "read_result"]


def read_result(output_dir: Path) -> dict[str, Any]:
    """Returns the content of ``result.json``, or nothing where no search has finished.

    Raises:
        ConfigurationError: if the file is damaged.
    """
    return read_object(output_dir / "result.json")


def read_object(path: Path) -> dict[str, Any]:
    """Returns the JSON object in a file of the output folder, or an empty one where there is no such file.

    Raises:
        ConfigurationError: if the file holds anything else.
    """
    if not path.is_file():
        return {}
    try:
        found = read_json(path)
    except ValueError as error:
        raise ConfigurationError(
            f"{path.name} in the output folder is damaged: {error}. Restore it, or choose another output_dir."
        ) from error
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"{path.name} in the output folder holds no JSON object. Restore it, or choose another output_dir."
        )
    return found
