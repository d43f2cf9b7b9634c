"""What a search left in the output folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.search.files import read_json

__all__ = ["read_result"]


def read_result(output_dir: Path) -> dict[str, Any]:
    """Returns the content of ``result.json``, or nothing where no search has finished.

    Raises:
        ConfigurationError: if the file is damaged.
    """
    path = output_dir / "result.json"
    if not path.is_file():
        return {}
    try:
        result = read_json(path)
    except ValueError as error:
        raise ConfigurationError(
            f"{path.name} in the output folder is damaged: {error}. Run the search again."
        ) from error
    return dict(result)
