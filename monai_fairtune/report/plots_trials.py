"""Trials as plots show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_fairtune.report.plots_style import ACCENT, INK, QUIET
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import stated

__all__ = ["MARKS", "RING", "Trials", "sorted_trials", "value_of"]

_DOT = "#7ba3c0"
Trials = Sequence[Mapping[str, Any]]


def value_of(trial: Mapping[str, Any]) -> float | None:
    """Returns the objective on validation, or None."""
    return stated(trial.get("value")).value


def sorted_trials(reading: Reading) -> dict[str, list[Mapping[str, Any]]]:
    """Returns the trials by how they are drawn; those of ``lost`` have no value."""
    kinds: dict[str, list[Mapping[str, Any]]] = {
        "anchor": [],
        "good": [],
        "repeat": [],
        "infeasible": [],
        "pruned": [],
        "lost": [],
    }
    for trial in reading.raw.get("trials") or []:
        if value_of(trial) is None or trial.get("state") not in {"complete", "pruned"}:
            kinds["lost"].append(trial)
        elif trial["state"] == "pruned":
            kinds["pruned"].append(trial)
        elif trial.get("kind") == "anchor":
            kinds["anchor"].append(trial)
        elif trial.get("kind") == "repeat":
            kinds["repeat"].append(trial)
        else:
            kinds["infeasible" if trial.get("feasible") is False else "good"].append(trial)
    return kinds


RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 7,
    "markerfacecolor": "none",
    "markeredgecolor": ACCENT,
    "markeredgewidth": 1.6,
}


MARKS: dict[str, dict[str, Any]] = {
    "good": {"marker": "o", "color": _DOT, "markersize": 4.5, "zorder": 3},
    "repeat": {"marker": "s", "color": _DOT, "markerfacecolor": "white", "markersize": 4.2, "zorder": 3},
    "infeasible": {"marker": "o", "color": QUIET, "markerfacecolor": "white", "markersize": 4.5, "zorder": 3},
    "pruned": {"marker": "v", "color": "#b3bcc5", "markersize": 3.8, "zorder": 2},
    "anchor": {"marker": "D", "color": INK, "markersize": 4.8, "zorder": 4},
}
