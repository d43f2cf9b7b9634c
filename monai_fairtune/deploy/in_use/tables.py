"""Answers, attributes and outcomes from tables that other systems write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from monai_fairtune.audit import read_table
from monai_fairtune.deploy.in_use.answer import Answer
from monai_fairtune.exceptions import PredictionsError
from monai_fairtune.subgroups import canonical

__all__ = ["answers_of_table", "attributes_of_table", "outcomes_of_table"]

_LABELS = {"0": 0, "1": 1}


def answers_of_table(path: Path, columns: Mapping[str, str], attributes: Sequence[str]) -> list[Answer]:
    """Reads answers, one a row.

    Args:
        path: CSV or Parquet, as ``read_table`` reads it.
        columns: ``image``, ``patient``, ``score`` and ``time``, and if there are any ``study`` and ``accession``, to
            the column's name. Times are ISO 8601, in UTC where they have no zone.
        attributes: columns of sensitive attributes, kept as they are.

    Raises:
        PredictionsError: if a column is missing, or an id, a score or a time cannot be read.
    """
    table, _ = read_table(path, [*columns.values(), *attributes], numbers=[columns["score"]])
    cells = table[columns["time"]].astype(str).str.strip()
    times = pd.to_datetime(cells, format="ISO8601", utc=True, errors="coerce").dt.floor("s")
    scores = pd.to_numeric(table[columns["score"]], errors="coerce")
    unread = {"time": int(times.isna().sum()), "score": int(scores.isna().sum())}
    if any(unread.values()):
        raise PredictionsError(
            f"Of {len(table)} rows, {unread['time']} have no time and {unread['score']} no score that can be read. "
            "Write times as 2026-05-31T14:05:00, and a probability for each image."
        )
    ids = {name: _text(table[column]) for name, column in columns.items() if name not in ("score", "time")}
    values = {name: _text(table[name]) for name in attributes}
    return [
        Answer(
            probability=float(scores.iloc[row]),
            time=times.iloc[row].to_pydatetime(),
            attributes={name: column[row] for name, column in values.items()},
            **{name: column[row] for name, column in ids.items()},
        )
        for row in range(len(table))
    ]


def attributes_of_table(path: Path, identifier: str, attributes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Returns id to name to value; of several rows of an id, the last that has a value counts.

    Raises:
        PredictionsError: if a column is missing.
    """
    table, _ = read_table(path, [identifier, *attributes], numbers=())
    found: dict[str, dict[str, str]] = {}
    for name in attributes:
        for key, value in zip(_text(table[identifier]), _text(table[name]), strict=True):
            found.setdefault(key, {}).update({name: value} if value else {})
    return found


def outcomes_of_table(path: Path, identifier: str, label: str) -> dict[str, int]:
    """Returns id to label; rows whose label is blank are left out.

    Raises:
        PredictionsError: if a column is missing, a label is not 0 or 1, or rows of one id differ.
    """
    table, _ = read_table(path, [identifier, label], numbers=())
    rows = pd.DataFrame({"id": _text(table[identifier]), "label": _text(table[label])})
    rows = rows[(rows["label"] != "") & (rows["id"] != "")].drop_duplicates()
    wrong = sorted(set(rows["label"]) - set(_LABELS))
    n_differ = int(rows["id"].duplicated().sum())
    if wrong or n_differ:
        raise PredictionsError(
            f"Column {label!r} holds {wrong[:5]} beside 0 and 1, and {n_differ} ids have two labels. "
            "Give 0 or 1, once for each id; leave it blank where it is not known."
        )
    return {key: _LABELS[value] for key, value in zip(rows["id"], rows["label"], strict=True)}


def _text(column: pd.Series) -> list[str]:
    return [canonical(str(cell).strip()) if pd.notna(cell) else "" for cell in column]
