"""One value a subgroup."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.metrics.value import Value
from monai_fairtune.subgroups import Subgroups

__all__ = ["by_subgroup"]


def by_subgroup(subgroups: Subgroups, measure: Callable[[NDArray[np.bool_]], float]) -> dict[str, Value]:
    """Returns a measure of every subgroup, empty ones included; where it is undefined, the reason names the subgroup.

    Args:
        subgroups: the subgroups of ``n`` samples.
        measure: takes which samples are members, shape ``(n,)``; returns a finite number or raises
            UndefinedMetricError.

    Returns:
        Subgroup name to value, in the order of the names; ``smallest``, ``difference`` and the others compare them.

    Example:
        >>> import numpy as np
        >>> from monai_fairtune.metrics import auroc
        >>> sex = Subgroups("sex", ("female", "male"), [0, 0, 1, 1])
        >>> labels, scores = np.array([0, 1, 1, 1]), np.array([0.1, 0.9, 0.4, 0.5])
        >>> values = by_subgroup(sex, lambda member: auroc(labels[member], scores[member]))
        >>> values["female"].value, values["male"].value
        (1.0, None)
    """
    return {
        name: Value.of(partial(measure, member), f"Subgroup {name!r} of attribute {subgroups.attribute!r}")
        for name, member in subgroups.items()
    }
