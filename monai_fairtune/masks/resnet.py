"""Search space of residual networks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks.partitioning import Partitioner

__all__ = ["ResNetPartitioner", "is_resnet"]

_BLOCK_PARAMETER = re.compile(r"(layer\d+\.\d+)\.")


def is_resnet(parameter_names: Iterable[str]) -> bool:
    """Returns whether these are parameters of residual blocks, as timm, torchvision and MONAI name them."""
    return any(_BLOCK_PARAMETER.match(name) and ".conv1." in name for name in parameter_names)


class ResNetPartitioner(Partitioner):
    """Gives one bit to each residual block (convolutions, norms, shortcut); stem and head norms stay frozen.

    Args:
        search_space: ``"block"``, the only one.

    Raises:
        MaskError: if another search space is asked for.
    """

    def __init__(self, search_space: str = "block") -> None:
        if str(search_space).strip() != "block":
            raise MaskError(
                f"A ResNet has no search space {search_space!r}. Choose 'block', or describe its components with a "
                "PatternPartitioner."
            )

    @property
    def search_space(self) -> str:
        """Always ``"block"``."""
        return "block"

    def assign(self, parameter_names: Sequence[str]) -> Mapping[str, str]:
        """Returns the searchable components, named like ``layer1.0``."""
        if not is_resnet(parameter_names):
            return {}
        return {name: match[1] for name in parameter_names if (match := _BLOCK_PARAMETER.match(name))}
