"""Sensitive attributes as a DICOM header records them: for the audit alone, never for the model."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from monai_fairtune.cohort.own_data.ages import read_ages
from monai_fairtune.cohort.own_data.mapping import AgeSource, DateSource
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.words import sex_of

__all__ = ["header_attributes"]

_AGE, _BIRTH, _STUDY = (Source("dicom", name) for name in ("PatientAge", "PatientBirthDate", "StudyDate"))
_AGES = (AgeSource(age=_AGE), AgeSource(birth=DateSource(_BIRTH, None), study=DateSource(_STUDY, None)))


def header_attributes(header: Mapping[str, str]) -> dict[str, str]:
    """Returns sex and age; blank where they are not recorded.

    The sex is ``female``, ``male``, or blank for O, for what is blank, and for what is neither. The age in years is
    that of PatientAge, else completed years between PatientBirthDate and StudyDate; below 0 and above 120 is blank.

    Args:
        header: keyword to text.

    Example:
        >>> header_attributes({"PatientSex": "F", "PatientAge": "066Y"})
        {'sex': 'female', 'age': '66'}
        >>> header_attributes({"PatientSex": "O", "PatientBirthDate": "19520229", "StudyDate": "20260228"})
        {'sex': '', 'age': '73'}
    """
    sex = sex_of(header.get("PatientSex", "").strip())
    frame = pd.DataFrame({str(source): [header.get(source.name, "").strip()] for source in (_AGE, _BIRTH, _STUDY)})
    return {"sex": sex if sex in ("female", "male") else "", "age": str(read_ages(frame, _AGES)["age"].iloc[0])}
