"""All components of one network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks.component import Component
from monai_fairtune.masks.mask import Mask

__all__ = ["Partition"]


@dataclass(frozen=True)
class Partition:
    """Every parameter of one network, each in exactly one component.

    Args:
        name: the search space's name, such as ``"attention"``.
        network: the name of the network whose parameters these are.
        components: in the network's order; their parameters are disjoint.

    Raises:
        MaskError: if two components share a name or a parameter, or one holds none.

    Example:
        >>> partition = Partition("block", "toy", (
        ...     Component("stem", ("stem.weight",), 10, "frozen"),
        ...     Component("blocks.0", ("blocks.0.weight",), 60, "searchable"),
        ...     Component("blocks.1", ("blocks.1.weight",), 20, "searchable"),
        ...     Component("head", ("head.weight",), 10, "tuned")))
        >>> mask = partition.mask(["blocks.1"])
        >>> mask.bits, mask.trained_share
        ((False, True), 0.3)
    """

    name: str
    network: str
    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        for what, names in (
            ("component", [component.name for component in self.components]),
            ("parameter", [name for component in self.components for name in component.parameters]),
        ):
            repeated = [name for name, n_times in Counter(names).items() if n_times > 1]
            if repeated:
                raise MaskError(
                    f"Partition {self.name!r} of {self.network!r} names {what} {repeated[:5]} more than once. "
                    "Put each parameter into one component, and give each component one name."
                )
        empty = [component.name for component in self.components if not component.parameters]
        if empty:
            raise MaskError(
                f"Components {empty[:5]} of partition {self.name!r} hold no parameter. Leave empty components out."
            )

    @cached_property
    def searchable(self) -> tuple[str, ...]:
        """Names of the components that a mask decides about: its bits, in order."""
        return tuple(component.name for component in self.components if component.role == "searchable")

    @cached_property
    def always_tuned(self) -> tuple[str, ...]:
        """Names of the components that every mask tunes."""
        return tuple(component.name for component in self.components if component.role == "tuned")

    @cached_property
    def parameter_names(self) -> frozenset[str]:
        """Names of all parameters of the network."""
        return frozenset(name for component in self.components for name in component.parameters)

    @cached_property
    def n_parameters(self) -> int:
        """How many numbers all parameters of the network hold."""
        return sum(component.n_parameters for component in self.components)

    def mask(self, names: Iterable[str]) -> Mask:
        """Returns the mask that tunes the searchable components ``names``, and what is always tuned.

        Raises:
            MaskError: if a name is not a searchable component's.
        """
        return Mask(self, frozenset(names))

    def mask_from_bits(self, bits: Sequence[bool | int]) -> Mask:
        """Returns the mask that tunes the searchable components whose bit is set.

        Args:
            bits: one true or false (or 1 or 0) a searchable component, in the order of ``searchable``.

        Raises:
            MaskError: if there are more or fewer bits, or one is neither 0 nor 1.
        """
        if len(bits) != len(self.searchable) or any(bit not in (0, 1) for bit in bits):
            raise MaskError(
                f"{len(bits)} bits {list(bits)[:5]}... do not fit the {len(self.searchable)} searchable components "
                f"of partition {self.name!r}. Give one 0 or 1 a component, in the order of `searchable`."
            )
        return self.mask(name for name, bit in zip(self.searchable, bits, strict=True) if bit)

    def head_only(self) -> Mask:
        """Returns the mask that tunes nothing but what is always tuned."""
        return self.mask(())

    def all_tuned(self) -> Mask:
        """Returns the mask that tunes every searchable component; frozen components stay frozen."""
        return self.mask(self.searchable)

    def find_equal(self, mask: Mask) -> Mask | None:
        """Returns this partition's mask that tunes the same parameters as ``mask``, or None if it has none.

        Training under either gives the same network, so a study need not try both.

        Args:
            mask: a mask of any partition, such as an anchor.

        Example:
            >>> head = Component("head", ("head.weight",), 2, "tuned")
            >>> body = {role: Component("body", ("weight", "bias"), 6, role) for role in ("searchable", "frozen")}
            >>> readout = Partition("head only", "toy", (body["frozen"], head)).head_only()
            >>> Partition("block", "toy", (body["searchable"], head)).find_equal(readout).bits
            (False,)
        """
        if mask.partition.network != self.network:
            return None
        wanted = mask.parameter_names
        candidate = self.mask(
            component.name
            for component in self.components
            if component.role == "searchable" and wanted.issuperset(component.parameters)
        )
        return candidate if candidate.parameter_names == wanted else None

    def check_complete(self, parameter_names: Iterable[str]) -> None:
        """Checks that the components hold exactly the parameters ``parameter_names``.

        Raises:
            MaskError: naming a few parameters that only the network has, or only the partition.
        """
        given = set(parameter_names)
        unaccounted = sorted(given - self.parameter_names)
        foreign = sorted(self.parameter_names - given)
        if unaccounted or foreign:
            raise MaskError(
                f"Partition {self.name!r} of {self.network!r} leaves out {len(unaccounted)} parameters of the network "
                f"{unaccounted[:3]} and holds {len(foreign)} that it has not {foreign[:3]}. "
                "Use the partition of this very network: the same backbone, built with the same arguments."
            )
