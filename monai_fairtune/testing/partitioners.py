"""Conformance suite of the seam ``Partitioner``: what every family of networks must satisfy.

A new partitioner is tested by one call of ``check_partitioner``; each function raises an AssertionError that says what
is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks import Mask, Partition, Partitioner, head_parameter_names

__all__ = [
    "check_completeness",
    "check_disjointness",
    "check_head",
    "check_masks",
    "check_order",
    "check_partitioner",
    "check_refusal",
    "check_stability",
]

_NAME = "network under test"


def check_partitioner(partitioner: Partitioner, make_network: Callable[[], nn.Module], foreign: nn.Module) -> None:
    """Runs all checks.

    Args:
        partitioner: the one under test.
        make_network: builds a network that it is for, anew at each call.
        foreign: a network with a head that it is not for.

    Raises:
        AssertionError: at the first check that fails.
    """
    network = make_network()
    partition = partitioner.partition(network, _NAME)
    _require(
        (partition.network, partition.name) == (_NAME, partitioner.search_space),
        f"the partition calls itself {partition.name!r} of {partition.network!r}",
    )
    check_disjointness(partition)
    check_completeness(partition, network)
    check_order(partition, network)
    check_head(partition, network)
    check_masks(partition)
    check_stability(partitioner, make_network)
    check_refusal(partitioner, foreign)


def check_disjointness(partition: Partition) -> None:
    """No parameter is in two components, and no component is empty."""
    names = [name for component in partition.components for name in component.parameters]
    _require(len(set(names)) == len(names), "a parameter is in two components")
    _require(all(component.parameters for component in partition.components), "a component is empty")


def check_completeness(partition: Partition, network: nn.Module) -> None:
    """Every parameter of the network is in a component, and the components count what they hold."""
    sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
    partition.check_complete(sizes)
    for component in partition.components:
        n_held = sum(sizes[name] for name in component.parameters)
        _require(
            component.n_parameters == n_held, f"{component.name!r} counts {component.n_parameters}, holds {n_held}"
        )


def check_order(partition: Partition, network: nn.Module) -> None:
    """Components, and parameters within each, are in the network's order: bits mean the same in every process."""
    position = {name: index for index, (name, _) in enumerate(network.named_parameters())}
    firsts = [position[component.parameters[0]] for component in partition.components]
    _require(firsts == sorted(firsts), "components are not in the network's order")
    for component in partition.components:
        places = [position[name] for name in component.parameters]
        _require(places == sorted(places), f"parameters of {component.name!r} are not in the network's order")


def check_head(partition: Partition, network: nn.Module) -> None:
    """The head, all of it and nothing else, is always tuned; something else is searchable."""
    head = head_parameter_names(network)
    _require(partition.head_only().parameter_names == head, "what is always tuned is not the head")
    _require(bool(partition.searchable), "there is nothing to search")


def check_masks(partition: Partition) -> None:
    """Each bit switches its own component, and masks survive writing and reading."""
    head = partition.head_only()
    for component in partition.components:
        if component.role == "searchable":
            mask = partition.mask([component.name])
            _require(
                mask.parameter_names == head.parameter_names | set(component.parameters),
                f"the bit of {component.name!r} switches something else",
            )
            _require(Mask.from_dict(mask.to_dict(), partition) == mask, f"{mask.to_dict()} reads as another mask")


def check_stability(partitioner: Partitioner, make_network: Callable[[], nn.Module]) -> None:
    """Two networks that are built alike have equal partitions, and partitioning changes nothing."""
    network = make_network()
    before = [(name, parameter.requires_grad) for name, parameter in network.named_parameters()]
    first, second = (partitioner.partition(each, _NAME) for each in (network, make_network()))
    _require(first == second == partitioner.partition(network, _NAME), "two equal networks have different partitions")
    after = [(name, parameter.requires_grad) for name, parameter in network.named_parameters()]
    _require(before == after, "partitioning changed the network")


def check_refusal(partitioner: Partitioner, foreign: nn.Module) -> None:
    """A network of another family is refused with a MaskError, not partitioned into nothing."""
    try:
        partition = partitioner.partition(foreign, "foreign")
    except MaskError:
        return
    raise AssertionError(f"a foreign {type(foreign).__name__} got the components {partition.searchable[:5]}")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)
