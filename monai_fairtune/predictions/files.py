"""``predictions.csv``: a model's scores on one split, kept so that another model can be compared image by image."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.predictions.identifiers import Identifiers
from monai_fairtune.predictions.predictions import Predictions
from monai_fairtune.predictions.pseudonyms import environment_key, pseudonym
from monai_fairtune.predictions.safe_csv import true_cell, write_csv
from monai_fairtune.subgroups import MISSING, Subgroups

__all__ = ["file_sha256", "read_predictions", "write_predictions"]

_COLUMNS = ("sample", "patient", "label", "score")


def file_sha256(path: Path) -> str:
    """Returns a file's SHA-256: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_predictions(path: Path, predictions: Predictions) -> dict[str, Any]:
    """Writes one row an image: ``sample``, ``patient``, ``label``, ``score``, and each attribute's subgroup.

    This is data about single patients, under pseudonyms: it stays with the owner of the folder (only the owner may
    read the file), and no report holds any of it. A blank subgroup is a missing value. Without sample ids, an image's
    position stands for it. Pseudonyms are keyed where the environment holds a key in ``FAIRTUNE_PSEUDONYM_KEY``; files
    under different keys cannot be compared.

    Args:
        path: the file.
        predictions: of one split.

    Returns:
        What ``report.json`` keeps of it: ``{"file", "sha256", "kind", "keyed"}``.

    Raises:
        ConfigurationError: if the key is too short.
    """
    key = environment_key()
    samples = predictions.samples or Identifiers.count(len(predictions))
    columns: dict[str, Any] = {
        "sample": _pseudonyms(samples, key),
        "patient": _pseudonyms(predictions.patients, key),
        "label": predictions.labels,
        "score": predictions.scores,
    }
    table = pd.DataFrame(columns)
    groups = [pd.Categorical.from_codes(group.codes, pd.Index(group.names)) for group in predictions.subgroups.values()]
    table = pd.concat([table, *(pd.Series(group) for group in groups)], axis="columns")
    table.columns = pd.Index([*_COLUMNS, *predictions.subgroups])
    write_csv(path, table, mode=0o600)
    return {"file": path.name, "sha256": file_sha256(path), "kind": predictions.kind, "keyed": key is not None}


def read_predictions(
    path: Path,
    *,
    kind: Literal["probability", "logit"],
    names: Mapping[str, Sequence[str]],
    sha256: str | None = None,
) -> Predictions:
    """Returns what ``write_predictions`` wrote; ids are pseudonyms.

    Args:
        path: the file.
        kind: of the scores, as ``report.json`` has it.
        names: attribute declaration to all its subgroups' names, empty subgroups included.
        sha256: the file's, to refuse a file that was changed; by default it is not looked at.

    Raises:
        PredictionsError: if there is no such file, it was changed, or it is not one that ``write_predictions`` wrote.
    """
    if not path.is_file():
        raise PredictionsError(
            f"There is no {path.name} in {path.parent}. Run the audit or the search again with this version."
        )
    if sha256 is not None and file_sha256(path) != sha256:
        raise PredictionsError(f"{path} is not the file that report.json was written with. Run the audit again.")
    with path.open(encoding="utf-8", newline="") as file:
        header = [true_cell(cell) for cell in next(csv.reader(file), [])]
    if tuple(header[:4]) != _COLUMNS or set(header[4:]) != set(names):
        raise PredictionsError(
            f"{path} has the columns {header}, and {[*_COLUMNS, *names]} are needed. Run the audit again."
        )
    types = dict(enumerate([str, str, np.int64, np.float64])) | dict.fromkeys(range(4, len(header)), str)
    table = pd.read_csv(
        path, header=0, names=range(len(header)), dtype=types, keep_default_na=False, float_precision="round_trip"
    )
    return Predictions(
        table[2],
        table[3],
        kind=kind,
        subgroups={
            declaration: _subgroups(declaration, tuple(names[declaration]), table[column])
            for column, declaration in enumerate(header[4:], start=4)
        },
        patient_ids=table[1],
        sample_ids=table[0],
    )


def _subgroups(declaration: str, names: tuple[str, ...], column: pd.Series[str]) -> Subgroups:
    rows, cells = pd.factorize(column)
    position = {name: code for code, name in enumerate(names)} | {"": MISSING}
    unknown = sorted({true_cell(cell) for cell in cells} - set(position))
    if unknown:
        raise PredictionsError(
            f"Attribute {declaration!r} has the subgroups {unknown[:5]} in predictions.csv and {list(names)} in "
            "report.json. Run the audit again."
        )
    return Subgroups(declaration, names, np.array([position[true_cell(cell)] for cell in cells], dtype=int)[rows])


def _pseudonyms(identifiers: Identifiers, key: bytes | None) -> NDArray[np.object_]:
    return np.array([pseudonym(name, key) for name in identifiers.names.tolist()], dtype=object)[identifiers.codes]
