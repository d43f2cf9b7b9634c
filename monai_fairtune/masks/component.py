"""Parameters that are tuned or frozen together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Component", "Role"]

Role = Literal["searchable", "tuned", "frozen"]
"""Whether a mask decides about a component, or whether it is always tuned or always frozen."""


@dataclass(frozen=True)
class Component:
    """A named set of parameters that are tuned or frozen together.

    Args:
        name: unique within its partition, such as ``"blocks.0.attention"``.
        parameters: the parameters' names within the network, at least one.
        n_parameters: how many numbers these parameters hold.
        role: ``"searchable"`` components are a mask's bits; ``"tuned"`` ones (the head) are trained under every mask;
            ``"frozen"`` ones under none.
    """

    name: str
    parameters: tuple[str, ...]
    n_parameters: int
    role: Role
