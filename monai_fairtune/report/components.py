"""Which components good trials chose, and where in the network they are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from monai_fairtune.report.reading import Reading
from monai_fairtune.report.stored import stated

__all__ = ["Frequency", "component_place", "frequencies", "good_trials"]

_STEM = re.compile(r"^(?:blocks|layers|stages|features|resblocks|h|layer|(?:layer|stage|block)\d*)$")


def component_place(name: str) -> tuple[str, str]:
    """Splits a component's name into the block that holds it and the part of the block that it is.

    Returns:
        Block and part; the block is blank for a component that lies in no block.

    Example:
        >>> component_place("blocks.3.attention"), component_place("layer1.0.conv1"), component_place("blocks.3")
        (('3', 'attention'), ('1.0', 'conv1'), ('3', ''))
        >>> component_place("layers.0.blocks.1.attention.qkv.weight"), component_place("stem")
        (('0.1', 'attention.qkv.weight'), ('', 'stem'))
    """
    tokens = name.split(".")
    block: list[str] = []
    position = 0
    while position + 1 < len(tokens) and _STEM.match(tokens[position]) and tokens[position + 1].isdecimal():
        block += [*re.findall(r"\d+$", tokens[position]), tokens[position + 1]]
        position += 2
    return ".".join(block), ".".join(tokens[position:])


def good_trials(reading: Reading) -> list[Mapping[str, Any]]:
    """Returns the top quarter of the searched trials that are complete, reach the utility floor and have a mask."""
    candidates = [
        trial
        for trial in reading.searched
        if trial.get("state") == "complete"
        and trial.get("feasible") is not False
        and trial.get("components")
        and stated(trial.get("value")).value is not None
    ]
    sign = -1 if reading.maximize else 1
    candidates.sort(key=lambda trial: (sign * cast("float", stated(trial["value"]).value), trial["number"]))
    return candidates[: math.ceil(len(candidates) / 4)]


@dataclass(frozen=True)
class Frequency:
    """How often one component was chosen.

    Args:
        name: of the component.
        block: of the network that holds it, or blank.
        part: of that block.
        share: of the good trials that tune it, from 0 to 1.
        tuned: whether the final model tunes it; None if its mask is of another partition.
    """

    name: str
    block: str
    part: str
    share: float
    tuned: bool | None


def frequencies(reading: Reading, trials: Sequence[Mapping[str, Any]]) -> list[Frequency]:
    """Returns the frequency of every component of the search space, in the network's order."""
    if not trials:
        return []
    final = reading.raw["mask"]["components"]
    names = list(trials[0]["components"])
    return [
        Frequency(
            name,
            *component_place(name),
            share=sum(bool(trial["components"].get(name)) for trial in trials) / len(trials),
            tuned=bool(final[name]) if set(names) == set(final) else None,
        )
        for name in names
    ]
