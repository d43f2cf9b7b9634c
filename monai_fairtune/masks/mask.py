"""The choice of components to tune."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from monai_fairtune.exceptions import MaskError

if TYPE_CHECKING:  # a partition makes masks, a mask knows its partition
    from monai_fairtune.masks.partition import Partition

__all__ = ["Mask"]


@dataclass(frozen=True)
class Mask:
    """Which searchable components of a partition are tuned; the others keep their pretrained weights.

    A mask knows its partition, hence its network: bits mean nothing alone.

    Args:
        partition: the components to choose from.
        tuned: names of searchable components.

    Raises:
        MaskError: if a name is not a searchable component's.
    """

    partition: Partition
    tuned: frozenset[str]

    def __post_init__(self) -> None:
        unknown = sorted(self.tuned.difference(self.partition.searchable))
        if unknown:
            raise MaskError(
                f"{unknown[:5]} are not searchable components of partition {self.partition.name!r} "
                f"of {self.partition.network!r}. Choose from {list(self.partition.searchable)}."
            )

    @property
    def components(self) -> dict[str, bool]:
        """Each searchable component, in order, and whether it is tuned."""
        return {name: name in self.tuned for name in self.partition.searchable}

    @property
    def bits(self) -> tuple[bool, ...]:
        """Whether each searchable component is tuned, in order."""
        return tuple(self.components.values())

    @cached_property
    def parameter_names(self) -> frozenset[str]:
        """Names of all parameters that are trained, those of the head included."""
        trained = self.tuned.union(self.partition.always_tuned)
        return frozenset(
            name
            for component in self.partition.components
            if component.name in trained
            for name in component.parameters
        )

    @property
    def trained_share(self) -> float:
        """The share of the network's parameters that are trained, head included: above 0, at most 1."""
        trained = self.tuned.union(self.partition.always_tuned)
        n_trained = sum(part.n_parameters for part in self.partition.components if part.name in trained)
        return n_trained / self.partition.n_parameters

    @cached_property
    def key(self) -> str:
        """12 hexadecimal digits that name network, partition and choice; the same on every machine."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        """Returns the mask as plain JSON: ``network``, ``partition``, ``components`` and ``always_tuned``."""
        return {
            "network": self.partition.network,
            "partition": self.partition.name,
            "components": self.components,
            "always_tuned": list(self.partition.always_tuned),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], partition: Partition) -> Mask:
        """Returns the mask that ``to_dict`` wrote.

        Args:
            data: what ``to_dict`` returned.
            partition: the partition it must belong to.

        Raises:
            MaskError: if ``data`` is of another network or partition, or names other components.
        """
        components = data.get("components")
        if not isinstance(components, Mapping) or not all(isinstance(bit, bool) for bit in components.values()):
            raise MaskError(
                f"A mask's 'components' are {str(components)[:80]}. "
                "Give an object from component names to true or false, as in mask.json."
            )
        for what, expected in (
            ("network", partition.network),
            ("partition", partition.name),
            ("always_tuned", list(partition.always_tuned)),
        ):
            if data.get(what) != expected:
                raise MaskError(
                    f"The mask's {what} is {data.get(what)!r} where {expected!r} is expected. "
                    "Use the backbone and the search space that the mask was found with."
                )
        differing = sorted(set(components).symmetric_difference(partition.searchable))
        if differing:
            raise MaskError(
                f"The mask and partition {partition.name!r} of {partition.network!r} differ in {len(differing)} "
                f"components, such as {differing[:3]}. Use the backbone that the mask was found with."
            )
        return cls(partition, frozenset(name for name, bit in components.items() if bit))
