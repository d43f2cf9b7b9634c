"""What is recorded of a patient several times, and not always the same."""

from __future__ import annotations

from typing import Literal

import pandas as pd

__all__ = ["Conflict", "one_value"]

Conflict = Literal["missing", "most"]


def one_value(patients: pd.Series[str], values: pd.Series[str], conflict: Conflict) -> pd.Series[str]:
    """Returns a value for each patient that has one; blanks do not count.

    Args:
        patients: whose each value is.
        values: one or more a patient.
        conflict: what becomes of patients with several: no value, or the most frequent one; a tie gives none.

    Example:
        >>> one_value(pd.Series(["a", "a", "a", "b"]), pd.Series(["x", "x", "y", ""]), "most").to_dict()
        {'a': 'x'}
    """
    known = pd.DataFrame({"patient": patients, "value": values})
    counts = known[known["value"] != ""].groupby("patient")["value"].value_counts().reset_index(name="n")
    if conflict == "most":
        counts = counts[counts["n"] == counts.groupby("patient")["n"].transform("max")]
    return counts[~counts["patient"].duplicated(keep=False)].set_index("patient")["value"]
