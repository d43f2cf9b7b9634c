"""What the trials say of each component: a description, not an effect that would hold elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_fairtune.report.plots_trials import value_of
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.tables import Cell, Table
from monai_fairtune.report.wording import objective_words, shorten, signed

__all__ = ["effects_table"]

_FEWEST = 3


def effects_table(reading: Reading) -> Table | None:
    """Returns the mean objective of trials that tune a component minus that of trials that do not.

    Only complete trials of the search space count, repeats left out. None if no component has three of each kind.
    """
    trials = [
        (trial["components"], value_of(trial))
        for trial in reading.raw.get("trials") or []
        if trial.get("components") and trial.get("state") == "complete" and trial.get("kind") != "repeat"
    ]
    names = list(trials[0][0]) if trials else []
    rows = []
    for name in names:
        known = [(bits[name], value) for bits, value in trials if value is not None]
        parts = [[value for bit, value in known if bit is wanted] for wanted in (True, False)]
        if min(map(len, parts)) >= _FEWEST:
            rows.append((name, *_difference(*parts), *map(len, parts)))
    if not rows:
        return None
    table = Table(
        "effects",
        f"Mean {objective_words(reading.objective)} on validation of trials that tune a component, minus the others",
        ["component", "difference", "standard error", "trials that tune it", "trials that do not"],
    )
    for name, difference, error, n_with, n_without in sorted(rows, key=lambda row: -abs(row[1])):
        cells = [Cell(signed(difference)), Cell(f"{error:.3f}"), Cell(str(n_with)), Cell(str(n_without))]
        table.add(shorten(name, 80), cells)
    return table


def _difference(tuned: Sequence[float], frozen: Sequence[float]) -> tuple[float, float]:
    error = np.sqrt(np.var(tuned, ddof=1) / len(tuned) + np.var(frozen, ddof=1) / len(frozen))
    return float(np.mean(tuned) - np.mean(frozen)), float(error)
