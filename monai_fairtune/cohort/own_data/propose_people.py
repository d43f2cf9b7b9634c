"""Whose image it is, and the patient's sex."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from monai_fairtune.cohort.own_data.images import OwnImages
from monai_fairtune.cohort.own_data.proposed import Proposed, counted, is_recorded, listed, named_columns
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.words import AGE, BIRTH, PATIENT, SEX, is_date, reads_like, sex_of

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
    if len(found) > 1 or not candidates:
        question = f"Which one is the patient's id? Candidates: {listed([str(each) for each in candidates]) or 'none'}."
        return Proposed("patient_id", None, tuple(notes), "Whose image it is is open.", question)
    said = f"Patients are told apart by {candidates[0]}, of which the manifest holds pseudonyms."
    return Proposed("patient_id", candidates[0].plain, tuple(notes), said)


def propose_sex(frame: pd.DataFrame) -> tuple[Mapping[str, object] | None, Proposed]:
    """Returns the entry ``sex`` of the columns, and what is to be said of it.

    The first column whose name says so is taken, else the header's PatientSex.
    """
    element = Source("dicom", "PatientSex")
    found = named_columns(frame, SEX) + ([element] if is_recorded(frame, element) else [])
    notes = tuple(f"sex, {source}: {counted(frame[str(source)])}" for source in found)
    if not found:
        return None, Proposed("columns", None, ("sex: not recorded",), "Sex is not recorded.")
    values = {cell: sex_of(cell) for cell in sorted(frame[str(found[0])].unique())}
    unknown = [repr(cell) for cell, meaning in values.items() if meaning is None]
    question = f"Which sex is {listed(unknown)} of {found[0]}: female, male, missing?" if unknown else None
    said = f"Sex is read from {found[0]}: {counted(frame[str(found[0])])}."
    return {**found[0].plain, "values": values}, Proposed("columns", None, notes, said, question)


def _distinct(cells: pd.Series[str]) -> str:
    return f"{cells[cells != ''].nunique()} patients, blank in {int((cells == '').sum())} of {len(cells)}"
