"""Whose image it is, and the patient's sex and age."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from monai_fairtune.cohort.own_data.ages import count_missing, read_ages
from monai_fairtune.cohort.own_data.images import OwnImages
from monai_fairtune.cohort.own_data.mapping import AgeSource, DateSource
from monai_fairtune.cohort.own_data.proposed import Proposed, counted, listed
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.words import AGE, BIRTH, PATIENT, SEX, STUDY_DATE, reads_like, sex_of

__all__ = ["propose_age", "propose_patient", "propose_sex"]

_DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
_NO_ID = SEX | AGE | BIRTH | STUDY_DATE | {"name", "weight", "height", "class", "group"}
_OTHER_UNIT = {"months", "month", "days", "day", "weeks", "week", "group", "class"}


def propose_patient(frame: pd.DataFrame, images: OwnImages) -> Proposed:
    """Returns the section: the only column whose name says so, else the header's PatientID if it tells patients apart.

    Args:
        frame: one row an image, columns named as ``Source`` says; table cells are blank where it has no row.
        images: of the frame.
    """
    named = [source for source in _columns(frame, PATIENT) if not reads_like(source.name, _NO_ID)]
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
    found = _columns(frame, SEX) + ([element] if _is_recorded(frame, element) else [])
    notes = tuple(f"sex, {source}: {counted(frame[str(source)])}" for source in found)
    if not found:
        return None, Proposed("columns", None, ("sex: not recorded",), "Sex is not recorded.")
    values = {cell: sex_of(cell) for cell in sorted(frame[str(found[0])].unique())}
    unknown = [repr(cell) for cell, meaning in values.items() if meaning is None]
    question = f"Which sex is {listed(unknown)} of {found[0]}: female, male, missing?" if unknown else None
    said = f"Sex is read from {found[0]}: {counted(frame[str(found[0])])}."
    return {**found[0].plain, "values": values}, Proposed("columns", None, notes, said, question)


def propose_age(frame: pd.DataFrame) -> Proposed:
    """Returns the section: a column of ages, the header's PatientAge, and dates of birth and study, in this order."""
    named = [each for each in _columns(frame, AGE) if not reads_like(each.name, _OTHER_UNIT)]
    elements = [Source("dicom", "PatientAge")]
    tried = [AgeSource(age=source) for source in [*named, *elements] if _is_recorded(frame, source)]
    dates, notes = _dates(frame)
    tried += dates
    read = {source: read_ages(frame, [source]) for source in tried}
    usable = [source for source in tried if (read[source]["age"] != "").any()]
    notes += [f"{source}: not known for {_reasons(read[source])}" for source in usable]
    if not usable:
        return Proposed("age", [], tuple(notes), "Age is not recorded.")
    said = f"Age is read from {', else '.join(map(str, usable))}; not known for {_reasons(read_ages(frame, usable))}."
    return Proposed("age", [each.plain for each in usable], tuple(notes), said)


def _dates(frame: pd.DataFrame) -> tuple[list[AgeSource], list[str]]:
    """Returns the pair of dates of birth and study, and notes on columns whose dates can be read in two ways."""
    born, notes_born = _date_sources(frame, BIRTH, "PatientBirthDate")
    studied, notes_studied = _date_sources(frame, STUDY_DATE, "StudyDate")
    pairs = [AgeSource(birth=born[0], study=studied[0])] if born and studied else []
    return pairs, notes_born + notes_studied


def _date_sources(frame: pd.DataFrame, words: frozenset[str], keyword: str) -> tuple[list[DateSource], list[str]]:
    found, notes = [], []
    for source in _columns(frame, words):
        if words is STUDY_DATE and reads_like(source.name, BIRTH):
            continue
        cells = frame[str(source)][frame[str(source)] != ""]
        fits = [each for each in _DATE_FORMATS if pd.to_datetime(cells, format=each, errors="coerce").notna().all()]
        if len(fits) == 1:
            found.append(DateSource(source, fits[0]))
        else:
            notes.append(f"{source} is not used: its dates can be read as {fits or 'none'} of {list(_DATE_FORMATS)}")
    element = Source("dicom", keyword)
    return found + ([DateSource(element, None)] if _is_recorded(frame, element) else []), notes


def _columns(frame: pd.DataFrame, words: frozenset[str]) -> list[Source]:
    """Returns the table's columns whose name is among ``words``, those that are blank left out."""
    sources = [Source("column", name.removeprefix("column ")) for name in frame.columns if name.startswith("column ")]
    return [source for source in sources if reads_like(source.name, words) and _is_recorded(frame, source)]


def _is_recorded(frame: pd.DataFrame, source: Source) -> bool:
    return str(source) in frame.columns and bool((frame[str(source)] != "").any())


def _distinct(cells: pd.Series[str]) -> str:
    return f"{cells[cells != ''].nunique()} patients, blank in {int((cells == '').sum())} of {len(cells)}"


def _reasons(read: pd.DataFrame) -> str:
    return ", ".join(f"{n} ({reason})" for reason, n in count_missing(read).items()) or "no image"
