"""Tables of predictions of several months, and their audit over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monai_fairtune.audit import OverTime, audit
from monai_fairtune.metrics import Surveillance
from tests.audit.tables import HOW

__all__ = ["RULE", "run", "timed"]

RULE = Surveillance(n_draws=20_000)


def timed(n_months: int = 6, n: int = 400, *, fall_from: int = 99, women: float = 0.5) -> pd.DataFrame:
    """Months of images from January 2026; from one month on, men are ranked by chance."""
    rng = np.random.default_rng(0)
    month = np.repeat(np.arange(n_months), n)
    sex = np.where(rng.random(len(month)) < women, "female", "male")
    label = rng.integers(0, 2, len(month))
    signal = np.where((month >= fall_from) & (sex == "male"), 0.0, 2.0)
    day = rng.integers(1, 28, len(month))
    return pd.DataFrame(
        {
            "image": np.arange(len(month)),
            "patient_id": [f"P{k // 2}" for k in range(len(month))],
            "label": label,
            "score": 1 / (1 + np.exp(-(signal * (label - 0.5) + rng.normal(size=len(month))))),
            "sex": sex,
            "age": rng.integers(20, 90, len(month)),
            "time": [f"2026-{m + 1:02d}-{d:02d}" for m, d in zip(month, day, strict=True)],
        }
    )


def run(
    rows: pd.DataFrame, *, reference: int | Path = 1, window: str | int = "month", **changes: Any
) -> dict[str, Any]:
    """Audits a table over time; returns the report."""
    over_time = OverTime("time", window, reference, RULE)
    return audit(rows, **(HOW | changes), over_time=over_time).to_dict()
