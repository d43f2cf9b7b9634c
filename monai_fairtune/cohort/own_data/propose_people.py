"""Whose image it is, and the patient's sex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from monai_fairtune.cohort.console import n_of
from monai_fairtune.cohort.own_data.images import OwnImages
from monai_fairtune.cohort.own_data.mapping_schema import MISSING_CELL
from monai_fairtune.cohort.own_data.proposed import Difference, Proposed, counted, is_recorded, listed, named_columns
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.words import AGE, BIRTH, PATIENT, SEX, is_date, reads_like, sex_of
from monai_fairtune.cohort.own_data.yaml_text import flow

__all__ = ["propose_patient", "propose_sex"]

_NO_ID = SEX | AGE | BIRTH | {"name", "weight", "height", "class", "group"}


def propose_patient(frame: pd.DataFrame, images: OwnImages) -> Proposed:
    """Returns the section: the only column whose name says so, else the header's PatientID if it tells patients apart.

    Args:
        frame: one row an image, columns named as ``Source`` says; table cells are blank where it has no row.
        images: of the frame.
    """
    named = [
        source
        for source in named_columns(frame, PATIENT)
        if not (reads_like(source.name, _NO_ID) or is_date(source.name))
    ]
    found = [source for source in named if frame[str(source)].nunique() > 1]
    element = Source("dicom", "PatientID")
    n_ids = frame[str(element)].nunique() if images.kind == "dicom" else 0
    candidates = found + ([element] if n_ids > 1 else [])
    notes = [f"{source}: {_distinct(frame[str(source)])}" for source in candidates]
    notes.append("image: path makes each image a patient of its own; right only where no patient has two images")
    parted = _parted(frame, candidates[0], element) if len(found) == 1 and element in candidates else ""
    if len(found) > 1 or not candidates or parted:
        question = f"Which one is the patient's id? Candidates: {listed([str(each) for each in candidates]) or 'none'}."
        return Proposed("patient_id", None, tuple(notes), "Whose image it is is open.", parted + question)
    said = f"Patients are told apart by {candidates[0]}, of which the manifest holds pseudonyms."
    return Proposed("patient_id", candidates[0].plain, tuple(notes), said)


def _parted(frame: pd.DataFrame, column: Source, element: Source) -> str:
    """Returns a sentence if the column parts patients of the header, whose images could then be in two splits."""
    both = frame[(frame[str(column)] != "") & (frame[str(element)] != "")]
    n_ids = both.groupby(str(element))[str(column)].nunique()
    n_parted = int((n_ids > 1).sum())
    several = f"{n_parted} of the {n_of(len(n_ids), 'patient')} of {element} have several ids in {column}. "
    return several if n_parted else ""


def propose_sex(frame: pd.DataFrame) -> tuple[Mapping[str, Any], Proposed]:
    """Returns the entry ``sex`` of the columns, or nothing, and what is to be said of it.

    Columns whose name says so are asked first, then the header's PatientSex; what tells no further sex is left out.
    Left open where two of them contradict each other.
    """
    element = Source("dicom", "PatientSex")
    found = named_columns(frame, SEX) + ([element] if is_recorded(frame, element) else [])
    if not found:
        return {}, Proposed("columns", None, ("sex: not recorded",), "Sex is not recorded.")
    values = {each: {cell: sex_of(cell) for cell in sorted(frame[str(each)].unique())} for each in found}
    told = {each: frame[str(each)].map(values[each]).replace(MISSING_CELL, None) for each in found}
    entries = {each: {**each.plain, "values": values[each]} for each in found}
    notes = [f"sex, {each}: {counted(frame[str(each)])}" for each in found]
    differences = [_difference(told, one, other) for one, other in combinations(found, 2)]
    for each in differences:
        if each.is_frequent:
            notes += [f"sex: {flow(entry)}" for entry in entries.values()]
            question = f"Where is the sex to be read from? {each} The comments in the file show what to write."
            return {"sex": None}, Proposed("columns", None, tuple(notes), "Sex is open.", question)
    chosen = _telling(found, values, told)
    said = f"Sex is read from {', else from '.join(f'{each}: {counted(frame[str(each)])}' for each in chosen)}."
    said += "".join(f" {each}" for each in differences if each.n)
    question = " ".join(_unknown(each, values[each]) for each in chosen if None in values[each].values())
    plain = [entries[each] for each in chosen]
    return {"sex": plain if len(plain) > 1 else plain[0]}, Proposed(
        "columns", None, tuple(notes), said, question or None
    )


def _telling(
    found: Sequence[Source], values: Mapping[Source, Mapping[str, str | None]], told: Mapping[Source, pd.Series[str]]
) -> list[Source]:
    """Returns the sources that tell a sex which those before do not, or hold a word that is not known; one at least."""
    known = pd.Series(None, index=told[found[0]].index, dtype=object)
    chosen = []
    for each in found:
        if (known.isna() & told[each].notna()).any() or None in values[each].values():
            chosen.append(each)
        known = known.fillna(told[each])
    return chosen or [found[0]]


def _difference(told: Mapping[Source, pd.Series[str]], one: Source, other: Source) -> Difference:
    both = told[one].notna() & told[other].notna()
    return Difference(f"{one} and {other}", "", int((both & (told[one] != told[other])).sum()), int(both.sum()))


def _unknown(source: Source, values: Mapping[str, str | None]) -> str:
    unknown = [repr(cell) for cell, meaning in values.items() if meaning is None]
    return f"Which sex is {listed(unknown)} of {source}: female, male, missing?"


def _distinct(cells: pd.Series[str]) -> str:
    return f"{cells[cells != ''].nunique()} patients, blank in {int((cells == '').sum())} of {len(cells)}"
