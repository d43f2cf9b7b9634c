"""What a manifest says of patients, and table or header say otherwise."""

from __future__ import annotations

import pandas as pd

from monai_fairtune.cohort.own_data.propose_age import age_differences
from monai_fairtune.cohort.own_data.propose_people import parted_patients, sex_differences
from monai_fairtune.cohort.own_data.sources import Source
from monai_fairtune.cohort.own_data.words import SEX, reads_like

__all__ = ["find_contradictions"]


def find_contradictions(frame: pd.DataFrame, rows: pd.DataFrame, patient_id: Source) -> list[str]:
    """Returns sentences of counts, for review: the proposal compares nothing where it leaves the join open.

    Args:
        frame: one row an image, columns named as ``Source`` says.
        rows: of the manifest, indexed as the frame.
        patient_id: where the patient is read from.
    """
    differences = [
        each for name in rows.columns if reads_like(name, SEX) for each in sex_differences(frame, rows[name])
    ]
    if "age" in rows:
        differences += age_differences(frame, rows["age"])
    parted = parted_patients(frame, patient_id)
    return [*([parted] if parted else []), *(str(each) for each in differences if each.n)]
