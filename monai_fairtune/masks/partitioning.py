"""The seam between networks and masks: what makes a partition of a network."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import final

from torch import nn

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks.component import Component, Role
from monai_fairtune.masks.head import head_parameter_names
from monai_fairtune.masks.partition import Partition

__all__ = ["HEAD", "Partitioner", "build_partition"]

HEAD = "head"
"""The name of the component that holds the head in every partition."""

_SEARCHABLE: Role = "searchable"
_TUNED: Role = "tuned"
_FROZEN: Role = "frozen"
_INDEXED = re.compile(r"(.*?\.\d+)\.")


class Partitioner(ABC):
    """Splits networks of one family into components.

    A family says by name which parameters are searchable. That the head is always tuned, that the rest is frozen, and
    that every parameter has its component, holds for all families alike.
    """

    @property
    @abstractmethod
    def search_space(self) -> str:
        """The name of the partitions it makes."""

    @abstractmethod
    def assign(self, parameter_names: Sequence[str]) -> Mapping[str, str]:
        """Returns the searchable component of each parameter that has one.

        Args:
            parameter_names: all parameters of a network in its order, without the head's.

        Returns:
            Parameter name to component name; a parameter that is left out stays frozen under every mask.

        Raises:
            MaskError: if the network is of another family.
        """

    @final
    def partition(self, network: nn.Module, name: str) -> Partition:
        """Returns the partition of ``network``.

        Args:
            network: whose parameters to split; it is not changed.
            name: what the network is called in masks.

        Raises:
            MaskError: if the network is of another family, or has no head.
        """
        head = head_parameter_names(network)
        assigned = self.assign([each for each, _ in network.named_parameters() if each not in head])
        if not assigned:
            raise MaskError(
                f"Search space {self.search_space!r} finds no component in {name!r}, a {type(network).__name__}. "
                "Choose a search space of this kind of network, or describe its components with a PatternPartitioner."
            )
        return build_partition(self.search_space, network, name, assigned)


def build_partition(search_space: str, network: nn.Module, name: str, assigned: Mapping[str, str]) -> Partition:
    """Returns the partition with the components ``assigned``, the head, and frozen components for what is left.

    Args:
        search_space: the partition's name.
        network: whose parameters to split.
        name: what the network is called in masks.
        assigned: parameter name to the name of its searchable component; the head's are ignored.

    Raises:
        MaskError: if a searchable component takes the head's name, or the network has no head.
    """
    head = head_parameter_names(network)
    searchable = {component for parameter, component in assigned.items() if parameter not in head}
    if HEAD in searchable:
        raise MaskError(f"A searchable component is called {HEAD!r}. Give it another name: the head is always tuned.")
    parameters: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    roles: dict[str, Role] = {}
    for parameter, tensor in network.named_parameters():
        component, role = _frozen_component(parameter, taken=searchable | {HEAD}), _FROZEN
        if parameter in head:
            component, role = HEAD, _TUNED
        elif parameter in assigned:
            component, role = assigned[parameter], _SEARCHABLE
        parameters.setdefault(component, []).append(parameter)
        sizes[component] = sizes.get(component, 0) + tensor.numel()
        roles[component] = role
    return Partition(
        search_space,
        name,
        tuple(Component(each, tuple(names), sizes[each], roles[each]) for each, names in parameters.items()),
    )


def _frozen_component(parameter: str, taken: set[str]) -> str:
    """Names frozen parameters by the numbered block, or else the child of the network, that they are in."""
    indexed = _INDEXED.match(parameter)
    name = f"{indexed[1]}.rest" if indexed else parameter.partition(".")[0]
    while name in taken:
        name += ".rest"
    return name
