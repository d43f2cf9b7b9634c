"""MONAI's datalists, also known as decathlon JSON, as tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from monai_fairtune.cohort.decoding import SUFFIXES
from monai_fairtune.exceptions import ManifestError

__all__ = ["read_datalist"]

_LIST = "list"


def read_datalist(path: Path) -> pd.DataFrame:
    """Returns one row an entry: its keys that hold text or one number, and in ``list`` the list that it stands in.

    Raises:
        ManifestError: if it is no datalist, an entry has several images, or labels are files.
        OSError: if it cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(f"The datalist '{path}' is not JSON: {error}. Give one that MONAI can load.") from error
    lists = content if isinstance(content, dict) else {}
    entries = [
        (name, entry)
        for name, found in lists.items()
        if isinstance(found, list)
        for entry in found
        if _names_image(entry, name)
    ]
    if not entries:
        raise ManifestError(
            f"The datalist '{path}' has no list of images. Give a JSON object such as "
            '{"training": [{"image": "a.png", "label": 1}], "validation": [], "test": []}.'
        )
    table = pd.DataFrame(
        [{**{key: _cell(value) for key, value in entry.items()}, _LIST: name} for name, entry in entries]
    )
    _refuse_label_files(table)
    return table.dropna(axis="columns", how="all").fillna("")


def _names_image(entry: Any, name: str) -> bool:
    """Returns whether an entry names an image; other lists and texts of a datalist name channels or classes."""
    if not isinstance(entry, dict) or "image" not in entry:
        return False
    image = entry["image"]
    if isinstance(image, list) and len(image) != 1:
        raise ManifestError(
            f"An entry of the list {name!r} has {len(image)} images, and this version takes one an entry. "
            "Name the one to classify."
        )
    return True


def _cell(value: Any) -> str | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, (bool, int, float)) else None


def _refuse_label_files(table: pd.DataFrame) -> None:
    if "label" not in table.columns:
        return
    n_files = int(table["label"].fillna("").str.lower().str.endswith(SUFFIXES).sum())
    if n_files:
        raise ManifestError(
            f"The labels of {n_files} of {len(table)} entries are files, as of a segmentation. "
            "Give each entry a label that is 0 or 1, or two words."
        )
