"""A split as a file of its own: the same splits give the same bytes, on any machine and from rows in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.hashing import file_sha256
from monai_fairtune.exceptions import SplitError
from monai_fairtune.predictions.safe_csv import true_cell, write_csv

__all__ = ["read_split_file", "write_split_file"]

_COLUMNS = ["image", "split"]


def write_split_file(path: Path, image_names: Sequence[str], splits: NDArray[np.str_]) -> str:
    """Writes the columns ``image`` and ``split``, sorted by image, and returns the file's SHA-256.

    Args:
        path: of the file.
        image_names: of ``n`` images, as the manifest writes them.
        splits: shape ``(n,)``, names.
    """
    table = pd.DataFrame({"image": list(image_names), "split": splits.astype(object)})
    write_csv(path, table.sort_values("image", kind="stable"))
    return file_sha256(path)


def read_split_file(path: str | Path) -> Mapping[str, str]:
    """Returns the split of each image that the file names.

    Raises:
        SplitError: if it is not such a file, or names an image twice.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SplitError(f"The split file '{path}' cannot be read: {str(error).strip()}. {_WAY_OUT}") from error
    if list(table.columns) != _COLUMNS:
        raise SplitError(f"The split file '{path}' has the columns {list(table.columns)}. {_WAY_OUT}")
    names = [true_cell(name) for name in table["image"]]
    if len(set(names)) != len(names):
        raise SplitError(f"The split file '{path}' names {len(names) - len(set(names))} images twice. {_WAY_OUT}")
    return dict(zip(names, table["split"], strict=True))


_WAY_OUT = "Give a CSV file with the columns image and split, as 'monai-fairtune check --output-dir' writes it."
