"""Options as MONAI's command line passes them."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import SupportsIndex

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["channel_values", "is_absent", "positive_integer"]


def is_absent(value: object) -> bool:
    """Returns whether an option is None; on MONAI's command line ``null`` arrives as a string.

    Example:
        >>> is_absent("null"), is_absent(""), is_absent(None), is_absent("weights.pt")
        (True, True, True, False)
    """
    return value is None or (isinstance(value, str) and value.strip().lower() in ("", "null", "none"))


def positive_integer(name: str, value: object) -> int:
    """Returns a count or size of at least 1.

    Raises:
        ConfigurationError: naming the option, if it is anything else.
    """
    if not isinstance(value, SupportsIndex) or isinstance(value, bool) or operator.index(value) < 1:
        raise ConfigurationError(f"{name} is {value!r}. Give a whole number of at least 1.")
    return operator.index(value)


def channel_values(name: str, values: float | Sequence[float], n_channels: int) -> tuple[float, ...]:
    """Returns one finite number a channel; a single number stands for all channels.

    Raises:
        ConfigurationError: naming the option, if there are more or fewer numbers, or one is not finite.
    """
    given = (values,) if isinstance(values, (int, float)) else tuple(values)
    numbers = tuple(float(number) for number in (given * n_channels if len(given) == 1 else given))
    if len(numbers) != n_channels or not all(map(math.isfinite, numbers)):
        raise ConfigurationError(
            f"{name} is {list(given)} for a backbone of {n_channels} channels. Give one finite number a channel."
        )
    return numbers
