"""When a finding is said aloud: it must be clear of chance, and large enough to matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_fairtune.metrics import Value
from monai_fairtune.metrics.gap_test import holm

__all__ = ["LARGE_DIFFERENCE", "LEVEL", "STRONG", "TELLING", "UNLIKE", "adjust", "is_clear"]

LEVEL = 0.01
"""The chance of any false alarm within one kind of finding, after Holm's adjustment."""

STRONG = 0.1
"""The smallest Cramer's V that is said aloud."""

TELLING = 0.6
"""The smallest AUROC from acquisition alone that is said aloud."""

LARGE_DIFFERENCE = 0.2
"""The smallest standardised mean difference of an image property that is said aloud."""

UNLIKE = 5.0
"""The robust z-score beyond which an image is unlike the others."""


def adjust(values: Sequence[Value]) -> list[Value]:
    """Returns values with ``p_holm``: their ``p_value`` adjusted for all of them; None where there is no test.

    Example:
        >>> [value.extra["p_holm"] for value in adjust([Value(0.3, extra={"p_value": 0.02}), Value(None, "alike")])]
        [0.02, None]
    """
    tested = {k: float(p) for k, value in enumerate(values) if isinstance(p := value.extra.get("p_value"), float)}
    corrected = holm(tested)
    return [
        Value(value.value, value.reason, value.low, value.high, {**value.extra, "p_holm": corrected.get(k)})
        for k, value in enumerate(values)
    ]


def is_clear(value: Mapping[str, Any], least: float) -> bool:
    """Returns whether a value, as ``Value.to_dict`` gives it, reaches ``least`` and is not chance.

    Example:
        >>> is_clear({"value": 0.9, "p_holm": 0.0}, 0.1), is_clear({"value": 0.9, "p_holm": None}, 0.1)
        (True, False)
    """
    size, p_value = value["value"], value["p_holm"]
    return size is not None and abs(size) >= least and p_value is not None and p_value < LEVEL
