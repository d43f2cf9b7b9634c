"""What ``monai-fairtune prepare`` leaves in a folder: the manifest, and the record of how it came about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_fairtune.exceptions import ConfigurationError, ManifestError

__all__ = ["MANIFEST", "RECORD", "read_prepared", "refuse_foreign_manifest"]

MANIFEST, RECORD = "manifest.csv", "prepared.json"
_NAMING = ("missing", "unreadable", "surplus")  # lists of files in the record


def refuse_foreign_manifest(folder: Path) -> None:
    """Keeps a manifest that somebody wrote by other means.

    Raises:
        ConfigurationError: if the folder holds one.
    """
    if (folder / MANIFEST).exists() and not (folder / RECORD).exists():
        raise ConfigurationError(
            f"'{folder}' holds a {MANIFEST} that was not prepared by this command. Give another output folder."
        )


def read_prepared(path: Path) -> Mapping[str, Any] | None:
    """Returns what ``monai-fairtune prepare`` recorded, lists of files as counts; None where there is no such file.

    Raises:
        ManifestError: if the file is not a JSON object.
    """
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestError(f"'{path}' beside the manifest is not JSON: {error}. Prepare the cohort again.") from error
    if not isinstance(found, dict):
        raise ManifestError(f"'{path}' beside the manifest is no JSON object. Prepare the cohort again.")
    return {key: _count(value) if key in _NAMING else value for key, value in found.items()}


def _count(listed: object) -> object:
    if isinstance(listed, Mapping):
        return listed.get("n")
    return len(listed) if isinstance(listed, list) else listed
