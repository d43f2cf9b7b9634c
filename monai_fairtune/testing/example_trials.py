"""Trials of a search that never ran: masks that come closer to a liked one, some trained again with a fresh seed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = [
    "FLOOR",
    "LEARNING_RATE",
    "OBJECTIVE",
    "SEED_NOISE",
    "Groups",
    "anchor_trial",
    "group_trials",
    "search_trials",
]

FLOOR = 0.812
LEARNING_RATE = 0.0003
OBJECTIVE = "worst_group_auroc"
SEED_NOISE = 0.006
"""Standard deviation of the objective between seeds of one mask."""

_N_STARTUP, _REPEAT_SHARE = 10, 0.2
_Trial = dict[str, Any]
Groups = list[list[_Trial]]
"""Complete and feasible trials of one mask and learning rate each, in the order of their first trials."""


def anchor_trial(anchor: Mapping[str, Any], objectives: Sequence[str]) -> _Trial:
    """Returns the trial of a fixed method.

    Args:
        anchor: its entry in the result.
        objectives: names, the deciding one first.
    """
    overall = anchor["validation"]["overall"]["auroc"]["value"]
    values = (anchor["value"], overall, anchor["trained_share"])
    return {
        "number": anchor["trial"],
        "name": anchor["name"],
        "kind": "anchor",
        "state": "complete",
        **_values(values, objectives),
        "replicate": 0,
        "mask_key": _key(anchor["name"]),
        "attempts": 1,
        "feasible": anchor["name"] != "head only",
        "components": None,
        "learning_rate": LEARNING_RATE,
        "trained_share": anchor["trained_share"],
        "n_epochs": 10,
        "seconds": 84.0,
        "reason": None,
    }


def search_trials(
    n_anchors: int, n_trials: int, components: Sequence[str], objectives: Sequence[str], generator: np.random.Generator
) -> list[_Trial]:
    """Returns the trials after the anchors; one in five after the start-up trains a promising mask again."""
    trials: list[_Trial] = []
    for number in range(n_anchors, n_trials):
        able = group_trials(trials)
        repeats = number >= n_anchors + _N_STARTUP and bool(able) and float(generator.random()) < _REPEAT_SHARE
        trials.append(
            _repeat(number, able, objectives, generator)
            if repeats
            else _searched(number, components, objectives, generator)
        )
    return trials


def group_trials(trials: Sequence[_Trial]) -> Groups:
    """Returns the complete and feasible trials with a value, those of one mask and learning rate together."""
    groups: dict[tuple[str, float], list[_Trial]] = {}
    for trial in trials:
        if trial["state"] == "complete" and trial["feasible"] and trial["value"] is not None:
            groups.setdefault((trial["mask_key"], trial["learning_rate"]), []).append(trial)
    return list(groups.values())


def _searched(
    number: int, components: Sequence[str], objectives: Sequence[str], generator: np.random.Generator
) -> _Trial:
    chance = 0.5 + min(0.4, 0.009 * number)
    bits = [bool(generator.random() < (chance if liked else 1 - chance)) for liked in _liked(len(components))]
    rate = float(10 ** generator.uniform(-5, -3))
    state = str(generator.choice(["complete", "pruned", "failed"], p=[0.72, 0.25, 0.03]))
    found = {
        "number": number,
        "name": None,
        "kind": "search",
        "replicate": 0,
        "mask_key": _key(bits),
        "attempts": 2 if number % 29 == 0 else 1,
        "components": dict(zip(components, bits, strict=True)),
        "learning_rate": rate,
        "trained_share": 0.00004 + 0.327 * sum(bits) / len(bits),
    }
    return found | _outcome(found, state, objectives, generator)


def _repeat(number: int, able: Groups, objectives: Sequence[str], generator: np.random.Generator) -> _Trial:
    """Trains one of the three best masks again: the one with the fewest seeds."""
    best = sorted(able, key=lambda group: -sum(trial["value"] for trial in group) / len(group))[:3]
    group = min(best, key=len)
    copied = ("name", "mask_key", "components", "learning_rate", "trained_share")
    again = {"number": number, "kind": "repeat", "replicate": len(group), "attempts": 1}
    found = {**again, **{key: group[0][key] for key in copied}}
    return found | _outcome(found, "complete", objectives, generator)


def _outcome(trial: _Trial, state: str, objectives: Sequence[str], generator: np.random.Generator) -> _Trial:
    """Draws what became of a trial; the value follows from the likeness to the liked mask and the learning rate."""
    bits = list(trial["components"].values())
    likeness = sum(bit == liked for bit, liked in zip(bits, _liked(len(bits)), strict=True)) / len(bits)
    value = 0.722 + 0.118 * likeness - 0.03 * abs(math.log10(trial["learning_rate"]) + 3.7)
    value += float(generator.normal(0, SEED_NOISE)) - (0.03 if state == "pruned" else 0)
    overall = value + 0.035 + float(generator.normal(0, 0.004))
    failed, complete = state == "failed", state == "complete"
    values = (None, None, None) if failed else (value, overall, trial["trained_share"])
    return {
        "state": state,
        **_values(values, objectives),
        "feasible": overall >= FLOOR if complete else None,
        "n_epochs": 10 if complete else 3,
        "seconds": 84.0 if complete else 26.0,
        "reason": "the training loss is not finite after epoch 2" if failed else None,
    }


def _liked(n_components: int) -> list[bool]:
    return [k >= 0.55 * n_components and k % 4 != 2 for k in range(n_components)]


def _values(values: tuple[float | None, float | None, float | None], objectives: Sequence[str]) -> _Trial:
    """Returns the objective, all objectives and the utility, from the first, the overall AUROC and the share."""
    value, overall, share = values
    if value is None or overall is None:
        return {"value": value, "values": [], "overall_auroc": overall}
    known = {OBJECTIVE: value, "overall_auroc": overall, "trained_share": share, "auroc_gap": 1.3 * (overall - value)}
    return {"value": value, "values": [known[name] for name in objectives], "overall_auroc": overall}


def _key(of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()[:12]
