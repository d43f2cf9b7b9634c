"""Where the patient's age is read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import pandas as pd

from monai_fairtune.cohort.own_data.ages import all_alike, count_missing, read_ages
from monai_fairtune.cohort.own_data.dates import fitting_formats
from monai_fairtune.cohort.own_data.mapping import AgeSource, DateSource
from monai_fairtune.cohort.own_data.proposed import Difference, Proposed, is_recorded, listed, named_columns
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.words import AGE, BIRTH, is_date, is_exam_date, reads_like
from monai_fairtune.cohort.own_data.yaml_text import flow

__all__ = ["age_differences", "propose_age"]

_OTHER_UNIT = {"months", "month", "days", "day", "weeks", "week", "group", "class", "monate", "monaten", "tage"}


@dataclass(frozen=True)
class _Dates:
    """Pairs of birth and exam, what is said of columns of dates, and whether no name says which one is the exam's."""

    pairs: tuple[AgeSource, ...]
    told: tuple[str, ...]
    is_unsure: bool


def propose_age(frame: pd.DataFrame) -> Proposed:
    """Returns the section: a column of ages, the header's PatientAge, and dates of birth and exam, in this order.

    Left open where two of them contradict each other, and where no name says which column of dates is the exam's.

    Args:
        frame: one row an image, columns named as ``Source`` says.
    """
    dates = _dates(frame)
    ages = _ages(frame, dates)
    usable = list(ages)
    notes = (*(f"{flow([each.plain])}: {_summary(ages[each])}" for each in usable), *dates.told)
    told = " ".join(dates.told)
    if not usable:
        return Proposed("age", [], notes, "Age is not recorded.", counts=told)
    differences = {
        (one, other): _difference(f"{one} and {other}", ages[one]["age"], ages[other]["age"])
        for one, other in combinations(usable, 2)
    }
    is_unsure = dates.is_unsure and not any(each.n_both for (one, _), each in differences.items() if one.age)
    question = _question(usable, list(differences.values()), is_unsure=is_unsure)
    if question is not None:
        return Proposed("age", None, notes, "Age is open.", question, told)
    chosen = _without_surplus(frame, usable)
    read = read_ages(frame, chosen)
    said = f"Age is read from {', else '.join(map(str, chosen))}."
    warnings = [*(str(each) for each in differences.values() if each.n), *all_alike(read["age"])]
    counts = " ".join([f"It is not known for {_reasons(read)}.", *dates.told, *warnings])
    return Proposed("age", [each.plain for each in chosen], notes, said, counts=counts)


def age_differences(frame: pd.DataFrame, written: pd.Series[str]) -> list[Difference]:
    """Returns where the ages of a manifest contradict what the frame tells.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        written: of the manifest, indexed as the frame.
    """
    ages = _ages(frame, _dates(frame))
    return [_difference(f"the manifest's age and {source}", written, read["age"]) for source, read in ages.items()]


def _ages(frame: pd.DataFrame, dates: _Dates) -> dict[AgeSource, pd.DataFrame]:
    """Returns what ``read_ages`` reads from each source that gives any age."""
    named = [each for each in named_columns(frame, AGE) if not reads_like(each.name, _OTHER_UNIT)]
    recorded = [source for source in [*named, Source("dicom", "PatientAge")] if is_recorded(frame, source)]
    ages = {each: read_ages(frame, [each]) for each in [*(AgeSource(age=age) for age in recorded), *dates.pairs]}
    return {source: read for source, read in ages.items() if (read["age"] != "").any()}


def _question(usable: Sequence[AgeSource], differences: Sequence[Difference], *, is_unsure: bool) -> str | None:
    """Returns what is to be decided, or None."""
    candidates = f"Candidates: {listed([str(each) for each in usable])}."
    for each in differences:
        if each.is_frequent:
            return f"Where is the age to be read from? {each} {candidates}"
    return f"Is this the date of the exam? No name says so. {candidates}" if is_unsure else None


def _without_surplus(frame: pd.DataFrame, usable: Sequence[AgeSource]) -> list[AgeSource]:
    """Leaves out pairs of dates, but the first, that tell no further age."""
    chosen: list[AgeSource] = []
    for source in usable:
        with_it, without = (read_ages(frame, sources)["age"] != "" for sources in ([*chosen, source], chosen))
        if source.age or not any(each.birth for each in chosen) or with_it.sum() > without.sum():
            chosen.append(source)
    return chosen


def _dates(frame: pd.DataFrame) -> _Dates:
    """Returns what columns of dates are good for; a column of which no name says that it is the exam's comes last."""
    columns = named_columns(frame, BIRTH)
    born, told_born = _readable(frame, columns, "PatientBirthDate")
    others = [each for each in named_columns(frame) if is_date(each.name) and each not in columns]
    exams = [each for each in others if is_exam_date(each.name)]
    studied, told_exams = _readable(frame, exams, "StudyDate")
    maybe, told_others = ([], []) if studied else _readable(frame, [each for each in others if each not in exams])
    pairs = sorted(product(born, studied or maybe), key=lambda pair: pair[0].source.kind != pair[1].source.kind)
    return _Dates(
        tuple(AgeSource(birth=birth, study=study) for birth, study in pairs),
        (*told_born, *told_exams, *told_others),
        is_unsure=bool(pairs) and not studied,
    )


def _readable(
    frame: pd.DataFrame, columns: Sequence[Source], keyword: str | None = None
) -> tuple[list[DateSource], list[str]]:
    """Returns columns, and the element, whose dates can be read in one way, and what is to be said of the columns."""
    found, told = [], []
    for source in columns:
        fits = fitting_formats(frame[str(source)])
        if len(fits) != 1:
            told.append(f"Not used: {source}, whose dates can be read as {' or '.join(fits) or 'none'}.")
            continue
        ((written, n_unread),) = fits.items()
        found.append(DateSource(source, written))
        if n_unread:
            told.append(f"In {n_unread} of {len(frame)} images {source} holds no date {written}.")
    if keyword is not None and is_recorded(frame, Source("dicom", keyword)):
        found.append(DateSource(Source("dicom", keyword), None))
    return found, told


def _difference(between: str, one: pd.Series[str], other: pd.Series[str]) -> Difference:
    apart = (pd.to_numeric(one) - pd.to_numeric(other)).abs()
    return Difference(between, "by more than a year ", int((apart > 1).sum()), int(apart.notna().sum()))


def _summary(read: pd.DataFrame) -> str:
    return f"median {pd.to_numeric(read['age']).median():g} years, not known for {_reasons(read)}"


def _reasons(read: pd.DataFrame) -> str:
    return ", ".join(f"{n} ({reason})" for reason, n in count_missing(read).items()) or "no image"
