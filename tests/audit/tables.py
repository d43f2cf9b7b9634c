"""Tables of predictions with known parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

HOW: dict[str, Any] = {
    "label": "label",
    "score": "score",
    "attributes": ["sex", "age:60"],
    "patient": "patient_id",
    "sample": "image",
    "threshold": 0.5,
    "resampling": None,
}
"""How ``audit`` is to read the table, without intervals."""


def table(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Patients with two images each; older men are ranked worse; some cells of sex are blank."""
    rng = np.random.default_rng(seed)
    patient = np.arange(n) // 2
    age = rng.integers(20, 90, n)[patient]
    sex = rng.choice(["female", "male", ""], n, p=[0.45, 0.45, 0.1])[patient]
    label = rng.integers(0, 2, n)
    signal = np.where((age >= 60) & (sex == "male"), 0.5, 2.0)
    score = 1 / (1 + np.exp(-(signal * (label - 0.5) + rng.normal(size=n))))
    return pd.DataFrame(
        {
            "image": [f"images/{row}.png" for row in range(n)],
            "patient_id": [f"P{row:04d}" for row in patient],
            "label": label,
            "score": score,
            "sex": sex,
            "age": age,
            "scanner": rng.choice(["A", "B"], n),
            "split": np.where(patient % 4 == 0, "val", "test"),
        }
    )
