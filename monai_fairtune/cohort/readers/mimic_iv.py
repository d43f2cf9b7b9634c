"""MIMIC-IV: the patients of MIMIC-CXR."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from monai_fairtune.cohort.readers.conflicts import Conflict, one_value
from monai_fairtune.cohort.readers.tables import find_file, read_csv, recode
from monai_fairtune.exceptions import ManifestError

__all__ = ["patient_table"]

# beside the images, where it is downloaded as mimiciv/3.1/hosp, it lies one folder deeper than other tables
_PATIENTS = ("patients.csv.gz", "patients.csv", "hosp/patients.csv.gz", "hosp/patients.csv")
_ADMISSIONS = ("admissions.csv.gz", "admissions.csv", "hosp/admissions.csv.gz", "hosp/admissions.csv")
_RACE = ("race", "ethnicity")  # the column's name from MIMIC-IV 2.0 on, and before
_UNKNOWN = ("UNKNOWN", "UNABLE TO OBTAIN", "PATIENT DECLINED TO ANSWER", "OTHER/UNKNOWN", "")
_RACES = {"WHITE": "White", "BLACK": "Black", "ASIAN": "Asian", "HISPANIC": "Hispanic"}


def patient_table(root: Path, conflict: Conflict) -> tuple[pd.DataFrame, tuple[str, ...]] | None:
    """Returns ``sex``, ``anchor_age``, ``anchor_year`` and ``race`` by patient, and the tables they are from.

    Args:
        root: of the download.
        conflict: what the race is of patients whose admissions record several.

    Returns:
        One row a patient, blank or NaN where it is not recorded; None without MIMIC-IV's table of patients.

    Raises:
        ManifestError: if a table cannot be read or holds another code.
    """
    if find_file(root, _PATIENTS) is None:
        return None
    read, table = read_csv(root, _PATIENTS, ["subject_id", "gender", "anchor_age", "anchor_year"], further=())
    read = read.drop_duplicates("subject_id")
    patients = pd.DataFrame(
        {
            "sex": recode(read["gender"], {"F": "female", "M": "male", "": ""}),
            "anchor_age": pd.to_numeric(read["anchor_age"], errors="coerce"),
            "anchor_year": pd.to_numeric(read["anchor_year"], errors="coerce"),
        }
    ).set_index(read["subject_id"])
    admissions, also = _read_admissions(root)
    races = one_value(admissions["subject_id"], admissions["race"].map(race_of), conflict)
    return patients.assign(race=races.reindex(patients.index).fillna("")), (table, also)


def _read_admissions(root: Path) -> tuple[pd.DataFrame, str]:
    read, table = read_csv(root, _ADMISSIONS, ["subject_id"], further=_RACE)
    column = next((name for name in _RACE if name in read.columns), None)
    if column is None:
        raise ManifestError(f"'{table}' has no column 'race' or 'ethnicity'. Give the original table of MIMIC-IV.")
    return read.rename(columns={column: "race"}), table


def race_of(text: str) -> str:
    """Returns the group that MIMIC-IV's text begins with.

    Example:
        >>> race_of("BLACK/CAPE VERDEAN"), race_of("HISPANIC/LATINO - CUBAN"), race_of("PORTUGUESE"), race_of("UNKNOWN")
        ('Black', 'Hispanic', 'Other', '')
    """
    if text.upper() in _UNKNOWN:
        return ""
    return next((race for start, race in _RACES.items() if text.upper().startswith(start)), "Other")
