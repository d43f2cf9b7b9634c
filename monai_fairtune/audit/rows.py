"""Which rows of a table are assessed, which choose the threshold, and which are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.audit.findings import Findings
from monai_fairtune.exceptions import PredictionsError, SplitError
from monai_fairtune.subgroups import distinct_cells

__all__ = ["Rows", "choose_rows"]

_CALLED = {"val": "validation"}
_SOME = "Some rows have no label or no score."


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a table, by what they are for.

    Args:
        assessed: which are assessed: the test split, or all.
        validation: which choose the threshold; none where there is no such split.
        unlabelled: which would be assessed if they had a label; none where such rows are refused.
        n_refused: rows that were left out because a label or a score is missing.
        notes: sentences for the report.
    """

    assessed: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    unlabelled: NDArray[np.bool_]
    n_refused: int
    notes: tuple[str, ...]


def choose_rows(findings: Findings, split: pd.Series | None, *, drop_missing: bool, tells_counts: bool) -> Rows:
    """Returns the rows to use.

    Args:
        findings: labels and scores of every row.
        split: the name of each row's split; ``val`` is read as validation. Without it, every row is assessed.
        drop_missing: leave rows without a label or a score out, and say so, instead of refusing them.
        tells_counts: whether the notes say how many those are.

    Raises:
        SplitError: if there are splits and none is called test.
        PredictionsError: if a label or a score is missing, or all are.
    """
    n = len(findings.labels)
    if split is None:
        assessed, validation = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
        notes: list[str] = []
    else:
        assessed, validation, notes = _splits(split)
    used = assessed | validation
    lacking = (findings.without_label | findings.without_score) & used
    if lacking.any():
        told = _told(findings, lacking, used)
        if not drop_missing:
            raise PredictionsError(
                f"{told} Complete them, or ask to drop them (drop_missing): the report then says how many."
            )
        notes.append(f"{told if tells_counts else _SOME} They were left out.")
    if not (assessed & ~lacking).any():
        raise PredictionsError(f"No row of {int(assessed.sum())} has a label and a score. Give some to assess.")
    unlabelled = assessed & findings.without_label & ~findings.without_score
    return Rows(assessed & ~lacking, validation & ~lacking, unlabelled, int(lacking.sum()), tuple(notes))


def _splits(split: pd.Series) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[str]]:
    text, rows = distinct_cells(split)
    names = np.array([_CALLED.get(value, value) for value in text], dtype=object)[rows]
    found = {
        str(name): int(count) for name, count in zip(*np.unique(names.astype(str), return_counts=True), strict=True)
    }
    if "" in found:
        raise SplitError(f"{found['']} of {len(names)} rows belong to no split. Name each row's split.")
    if "test" not in found:
        raise SplitError(f"The splits are {list(found)[:10]}, and none is 'test'. Call the split to assess 'test'.")
    others = {name: count for name, count in found.items() if name not in ("test", "validation")}
    notes = [f"{sum(others.values())} rows of other splits ({', '.join(others)}) were not read."] if others else []
    return np.asarray(names == "test"), np.asarray(names == "validation"), notes


def _told(findings: Findings, lacking: NDArray[np.bool_], used: NDArray[np.bool_]) -> str:
    first = ", ".join(str(row + 1) for row in np.flatnonzero(lacking)[:3])
    n_labels, n_scores = (int((part & used).sum()) for part in (findings.without_label, findings.without_score))
    return (
        f"{int(lacking.sum())} of {int(used.sum())} rows are incomplete (the first: {first}): "
        f"{n_labels} without a label, {n_scores} without a score."
    )
