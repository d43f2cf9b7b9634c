"""A search space of any network, described by patterns."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks.partitioning import Partitioner

__all__ = ["PatternPartitioner"]


class PatternPartitioner(Partitioner):
    r"""Splits any network by regular expressions over its parameters' names.

    Parameters that no pattern matches stay frozen; the head is always tuned, whatever the patterns say.

    Args:
        patterns: component name to a regular expression that must match a parameter's whole name.

    Raises:
        MaskError: if there is no pattern, or one is not a regular expression.

    Example:
        >>> from torch import nn
        >>> network = nn.Sequential()
        >>> network.stem, network.body, network.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        >>> patterns = {"weights": r"body\.weight", "biases": r".*\.bias"}
        >>> PatternPartitioner(patterns).partition(network, "toy").searchable
        ('biases', 'weights')
    """

    def __init__(self, patterns: Mapping[str, str]) -> None:
        if not patterns:
            raise MaskError("There is no pattern. Give at least one component name with a regular expression.")
        self._patterns = {name: _compile(name, text) for name, text in patterns.items()}
        digest = hashlib.sha256(json.dumps(list(patterns.items())).encode()).hexdigest()
        self._name = f"patterns {digest[:8]}"

    @property
    def search_space(self) -> str:
        """``"patterns "`` and 8 digits that stand for the patterns, so that masks of other patterns do not fit."""
        return self._name

    def assign(self, parameter_names: Sequence[str]) -> Mapping[str, str]:
        """Returns the component whose pattern matches, for each parameter.

        Raises:
            MaskError: if a pattern matches no parameter, or two patterns match one parameter.
        """
        assigned: dict[str, str] = {}
        for component, pattern in self._patterns.items():
            matching = [name for name in parameter_names if pattern.fullmatch(name)]
            taken = [(name, assigned[name]) for name in matching if name in assigned]
            if taken:
                raise MaskError(
                    f"Parameter {taken[0][0]!r} matches the patterns of {taken[0][1]!r} and {component!r}. "
                    "Write patterns that match each parameter once."
                )
            if not matching:
                raise MaskError(
                    f"The pattern {pattern.pattern!r} of component {component!r} matches none of the "
                    f"{len(parameter_names)} parameters, such as {list(parameter_names[:3])}. "
                    "Write a regular expression for whole names, head excluded."
                )
            assigned |= dict.fromkeys(matching, component)
        return assigned


def _compile(component: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise MaskError(
            f"The pattern {text!r} of component {component!r} is no regular expression: {error}. "
            "Write one as Python's re module reads it."
        ) from error
