"""From the log to a table that an audit reads: one row an image, its attributes and its label where they are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from monai_fairtune.deploy.in_use.answer import SCOPES
from monai_fairtune.deploy.in_use.log_file import reading
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["AnsweredImages", "read_answers"]


@dataclass(frozen=True, eq=False, repr=False)
class AnsweredImages:
    """What one model has answered.

    Args:
        table: columns ``image``, ``patient``, ``time``, ``score``, ``label`` (blank where it is not known), and one for
            each attribute, blank where it is not recorded; ids are pseudonyms.
        model: the SHA-256 of the model's weights.
        threshold: its operating point.
    """

    table: pd.DataFrame
    model: str
    threshold: float


def read_answers(path: Path, model: str | None = None) -> AnsweredImages:
    """Reads a log; no key is needed, and nothing is written.

    An attribute or a label that was recorded of the image goes before one of its study, its accession number or its
    patient; of several, the latest counts.

    Args:
        path: of the log.
        model: the first digits of the SHA-256 of the model's weights; not needed where the log has one model.

    Raises:
        ConfigurationError: if there is no such log, no such model, or several.
        StorageUnreachableError: if the log cannot be opened.
    """
    if not path.is_file():
        raise ConfigurationError(f"There is no log '{path}'. Give the path of one that answers were added to.")
    with reading(path) as connection:
        models, answers, recorded = (
            pd.read_sql_query(f"SELECT * FROM {name} ORDER BY rowid", connection)  # noqa: S608 - ours
            for name in ("models", "answers", "recorded")
        )
    chosen = _choose(models, (model or "").lower())
    answers = answers[answers["model"] == chosen["sha256"]].reset_index(drop=True)
    columns: dict[str, pd.Series] = {
        "image": answers["image"],
        "patient": answers["patient"],
        "time": answers["time"],
        "score": answers["probability"],
        "label": pd.Series("", index=answers.index, dtype=object),
    }
    for name, rows in recorded.groupby("name", sort=True):
        columns[str(name)] = _latest(rows, answers)
    return AnsweredImages(pd.DataFrame(columns), str(chosen["sha256"]), float(chosen["threshold"]))


def _choose(models: pd.DataFrame, model: str) -> pd.Series:
    found = models[models["sha256"].str.startswith(model)]
    if len(found) != 1:
        known = [
            f"{name} {version}: {sha256[:12]}"
            for sha256, name, version in zip(models["sha256"], models["name"], models["version"], strict=True)
        ]
        raise ConfigurationError(
            f"{len(found)} models of the log fit {model or 'what was asked'}; it has {len(models)}: {known[:10]}. "
            "Name one by the first digits of its SHA-256."
        )
    return found.iloc[0]


def _latest(rows: pd.DataFrame, answers: pd.DataFrame) -> pd.Series:
    """Returns what is recorded of each answer's image, blank where nothing is."""
    found = pd.Series(pd.NA, index=answers.index, dtype=object)
    for scope in SCOPES:
        last = rows[rows["scope"] == scope].drop_duplicates("id", keep="last").set_index("id")["value"]
        found = found.fillna(answers[scope].map(last))
    return found.fillna("")
