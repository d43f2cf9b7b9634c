"""Which column is the label, what its values mean, and which splits the table names."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from monai_fairtune.cohort.console import n_of
from monai_fairtune.cohort.own_data.proposed import Proposed, counted, listed
from monai_fairtune.cohort.own_data.words import LABEL, NO_LABEL, SPLIT, is_date, label_of, reads_like, split_of

__all__ = ["propose_label", "propose_split"]

_MOST_VALUES = 20
_BY_TIME = "or by time: a column year: {year_of: {dicom: StudyDate}}, then check --split-by 'year>=2021'"
_SPLITS_NEEDED = {"train", "validation", "test"}


def propose_label(rows: pd.DataFrame, taken: Collection[str]) -> Proposed:
    """Returns the section.

    A column is a candidate if its name reads like one and it has 2 to 20 values, or if its values are two such as yes
    and no, whatever others it has. One candidate with such a name is proposed, or the only candidate there is.

    Args:
        rows: of the table.
        taken: columns that the join uses.
    """
    others = [
        name for name in rows.columns if name not in taken and not reads_like(name, NO_LABEL) and not is_date(name)
    ]
    few = [name for name in others if 2 <= rows[name].nunique() <= _MOST_VALUES]
    named = [name for name in few if reads_like(name, LABEL)]
    candidates = named + [name for name in few if name not in named and _is_two_sided(rows[name])]
    notes = tuple(f"column {name!r}: {counted(rows[name])}" for name in candidates)
    chosen = (named if len(named) == 1 else candidates) if candidates else []
    if len(chosen) != 1:
        no_candidates = [f"{name!r} ({n_of(rows[name].nunique(), 'value')})" for name in others if not candidates]
        which = listed([repr(name) for name in candidates]) or f"none looks like one: {listed(no_candidates)}"
        notes += tuple(f"column {each}" for each in no_candidates)
        question = f"Which column is the label, and which values mean 1 and 0? Candidates: {which}."
        return Proposed("label", {"column": None, "values": None}, notes, "The label is open.", question)
    column = rows[chosen[0]]
    values = {cell: label_of(cell) for cell in sorted(column.unique())}
    said = f"The label is column {chosen[0]!r}: {_meaning(values)}."
    ask = f"What do these values of the label {chosen[0]!r} mean, 1, 0 or drop: {counted(column)}?"
    is_open = None in values.values() or not {0, 1} <= set(values.values())
    return Proposed("label", {"column": chosen[0], "values": values}, notes, said, ask if is_open else None)


def propose_split(rows: pd.DataFrame, is_labelled: pd.Series[bool]) -> Proposed:
    """Returns the section: a column that sends labelled rows to train, validation and test; else splits are drawn.

    Args:
        rows: of the table.
        is_labelled: which rows have a label.
    """
    notes = []
    for name in rows.columns:
        if not reads_like(name, SPLIT):
            continue
        values = {cell: split_of(cell) for cell in sorted(rows[name].unique())}
        used = {values[cell] for cell in rows[name][is_labelled].unique()}
        if used >= _SPLITS_NEEDED and None not in values.values():
            said = f"Splits are those of column {name!r}."
            return Proposed(
                "split", {"column": name, "values": values}, (f"column {name!r}: {counted(rows[name])}",), said
            )
        notes.append(
            f"column {name!r} does not send labelled rows to train, validation and test: {counted(rows[name])}"
        )
    said = "Splits are drawn by patient, from the seed of check and search."
    return Proposed("split", None, ("null: drawn by patient later", _BY_TIME, *notes), said)


def _is_two_sided(column: pd.Series[str]) -> bool:
    return {0, 1} <= {label_of(cell) for cell in column.unique()}


def _meaning(values: dict[str, int | str | None]) -> str:
    found = {
        meaning: [repr(cell) for cell, each in values.items() if each == meaning] for meaning in (1, 0, "drop", None)
    }
    words: dict[int | str | None, str] = {1: "{} is 1", 0: "{} is 0", "drop": "{} is left out", None: "{} is open"}
    return ", ".join(words[meaning].format(" or ".join(cells)) for meaning, cells in found.items() if cells)
