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

__all__ = ["parted_patients", "propose_patient", "propose_sex", "sex_differences"]

_PATIENT_ID = Source("dicom", "PatientID")
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
    n_ids = frame[str(_PATIENT_ID)].nunique() if images.kind == "dicom" else 0
    candidates = found + ([_PATIENT_ID] if n_ids > 1 else [])
    notes = [f"{source}: {_distinct(frame[str(source)])}" for source in candidates]
    notes.append("image: path makes each image a patient of its own; right only where no patient has two images")
    parted = parted_patients(frame, candidates[0]) if len(found) == 1 else ""
    if len(found) > 1 or not candidates or parted:
        question = f"Which one is the patient's id? Candidates: {listed([str(each) for each in candidates]) or 'none'}."
        return Proposed("patient_id", None, tuple(notes), "Whose image it is is open.", f"{parted} {question}".strip())
    said = f"Patients are told apart by {candidates[0]}, of which the manifest holds pseudonyms."
    return Proposed("patient_id", candidates[0].plain, tuple(notes), said)


def parted_patients(frame: pd.DataFrame, source: Source) -> str:
    """Returns a sentence if an id parts patients of the header, whose images could then be in two splits.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        source: of the id.
    """
    element = str(_PATIENT_ID)
    if element not in frame.columns or source == _PATIENT_ID:
        return ""
    both = frame[(frame[str(source)] != "") & (frame[element] != "")]
    n_ids = both.groupby(element)[str(source)].nunique()
    n_parted = int((n_ids > 1).sum())
    if not n_parted or len(n_ids) == 1:  # headers that name nobody give all images one id
        return ""
    return f"{n_parted} of the {n_of(len(n_ids), 'patient')} of {element} have several ids in {source}."


def propose_sex(frame: pd.DataFrame) -> tuple[Mapping[str, Any], Proposed]:
    """Returns the entry ``sex`` of the columns, or nothing, and what is to be said of it.

    Columns whose name says so are asked first, then the header's PatientSex; what tells no further sex is left out.
    Left open where two of them contradict each other.
    """
    found = _sex_sources(frame)
    if not found:
        return {}, Proposed("columns", None, ("sex: not recorded",), "Sex is not recorded.")
    values = {each: {cell: sex_of(cell) for cell in sorted(frame[str(each)].unique())} for each in found}
    told = {each: _told_sex(frame[str(each)]) for each in found}
    entries = {each: {**each.plain, "values": values[each]} for each in found}
    notes = [f"sex, {each}: {counted(frame[str(each)])}" for each in found]
    differences = [_difference(f"{one} and {other}", told[one], told[other]) for one, other in combinations(found, 2)]
    for each in differences:
        if each.is_frequent:
            notes += [f"sex: {flow(entry)}" for entry in entries.values()]
            question = f"Where is the sex to be read from? {each} The comments in the file show what to write."
            return {"sex": None}, Proposed("columns", None, tuple(notes), "Sex is open.", question)
    chosen = _telling(found, values, told)
    said = f"Sex is read from {', else from '.join(map(str, chosen))}."
    counts = [
        *(f"{each} holds {counted(frame[str(each)])}." for each in chosen),
        *(str(each) for each in differences if each.n),
    ]
    question = " ".join(_unknown(each, values[each]) for each in chosen if None in values[each].values())
    plain = [entries[each] for each in chosen]
    return {"sex": plain if len(plain) > 1 else plain[0]}, Proposed(
        "columns", None, tuple(notes), said, question or None, " ".join(counts)
    )


def sex_differences(frame: pd.DataFrame, written: pd.Series[str]) -> list[Difference]:
    """Returns where the sex of a manifest contradicts what the frame tells.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        written: of the manifest, indexed as the frame.
    """
    sex = _told_sex(written)
    return [
        _difference(f"the manifest's {written.name} and {each}", sex, _told_sex(frame[str(each)]))
        for each in _sex_sources(frame)
    ]


def _sex_sources(frame: pd.DataFrame) -> list[Source]:
    element = Source("dicom", "PatientSex")
    return named_columns(frame, SEX) + ([element] if is_recorded(frame, element) else [])


def _told_sex(cells: pd.Series[str]) -> pd.Series[str]:
    """Returns ``female`` and ``male``, None for what is neither for certain."""
    return cells.map({cell: sex_of(cell) for cell in cells.unique()}).replace(MISSING_CELL, None)


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


def _difference(between: str, one: pd.Series[str], other: pd.Series[str]) -> Difference:
    both = one.notna() & other.notna()
    return Difference(between, "", int((both & (one != other)).sum()), int(both.sum()))


def _unknown(source: Source, values: Mapping[str, str | None]) -> str:
    unknown = [repr(cell) for cell, meaning in values.items() if meaning is None]
    return f"Which sex is {listed(unknown)} of {source}: female, male, missing?"


def _distinct(cells: pd.Series[str]) -> str:
    return f"{cells[cells != ''].nunique()} patients, blank in {int((cells == '').sum())} of {len(cells)}"
