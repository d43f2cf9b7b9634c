"""The 14 findings that CheXpert's labeller reads from reports, as CheXpert and MIMIC-CXR record them."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import recode

__all__ = ["FINDING_HELP", "UNCERTAIN_HELP", "Finding", "Uncertain", "column_of", "finding_labels", "name_findings"]

Finding = Literal[
    "no_finding", "enlarged_cardiomediastinum", "cardiomegaly", "lung_opacity", "lung_lesion", "edema",
    "consolidation", "pneumonia", "atelectasis", "pneumothorax", "pleural_effusion", "pleural_other", "fracture",
    "support_devices",
]  # fmt: skip
Uncertain = Literal["negative", "positive", "drop"]

_UNCERTAIN = {"negative": "0", "positive": "1", "drop": "drop"}


FINDING_HELP = "no_finding: 1 is any finding, 0 is none; else 1 is the one named"
UNCERTAIN_HELP = "what a report leaves open, -1, counts as; not mentioned is negative; no_finding has none"


def column_of(finding: Finding) -> str:
    """Returns the finding's column, in lower case."""
    return finding.replace("_", " ")


def finding_labels(column: pd.Series[str], finding: Finding, uncertain: Uncertain) -> pd.Series[str]:
    """Returns 0, 1, or ``drop`` for each cell of a finding's column.

    Raises:
        ManifestError: if another code occurs.
    """
    if finding == "no_finding":
        return recode(column, {"1": "0", "0": "1", "": "1"})
    return recode(column, {"1": "1", "0": "0", "": "0", "-1": _UNCERTAIN[uncertain]})


def name_findings(rows: Rows, finding: Finding) -> None:
    """Leaves out what is uncertain, if it is to be, and says what 0 and 1 mean."""
    rows.drop(rows.table["label"] == "drop", f"{finding} is uncertain")
    names = {"0": "none", "1": "finding"} if finding == "no_finding" else {"0": "absent", "1": finding}
    rows.table["label_name"] = rows.table["label"].map(names)
