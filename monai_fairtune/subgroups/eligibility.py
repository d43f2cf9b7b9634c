"""Which subgroups are large enough to be compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from monai_fairtune.exceptions import ConfigurationError, EligibilityError, PredictionsError
from monai_fairtune.subgroups.assignment import Subgroups

__all__ = ["class_counts", "reporting_minimum", "require_eligible"]

_REPORTED = 10


def reporting_minimum(min_per_class: int | None = None) -> int:
    """Returns the fewest positives, and negatives, for which a subgroup's AUROC is reported.

    A report decides nothing, so it asks for less than an objective, and never for more.

    Args:
        min_per_class: what the objective asks for, or None if there is no objective.

    Example:
        >>> reporting_minimum(20), reporting_minimum(5), reporting_minimum()
        (10, 5, 10)
    """
    return _REPORTED if min_per_class is None else min(_REPORTED, min_per_class)


def class_counts(subgroups: Subgroups, labels: ArrayLike) -> dict[str, tuple[int, int]]:
    """Returns how many negatives and positives each subgroup holds, empty subgroups included.

    Images are counted, not patients; images without a recorded attribute belong to no subgroup.

    Args:
        subgroups: the subgroups of ``n`` samples.
        labels: shape ``(n,)``, 0 or 1.

    Returns:
        Subgroup name to ``(n_negative, n_positive)``, in the order of the names.

    Raises:
        PredictionsError: if there is not one label a sample.

    Example:
        >>> class_counts(Subgroups("sex", ("female", "male"), [0, 1, -1, 1]), [0, 1, 1, 1])
        {'female': (1, 0), 'male': (0, 2)}
    """
    array = np.asarray(labels)
    if array.shape != (len(subgroups),):
        raise PredictionsError(
            f"Attribute {subgroups.attribute!r} has {len(subgroups)} values for labels of shape {array.shape}. "
            "Give one label a sample."
        )
    return {
        name: (int(np.count_nonzero(array[member] == 0)), int(np.count_nonzero(array[member] == 1)))
        for name, member in subgroups.items()
    }


def require_eligible(subgroups: Subgroups, labels: ArrayLike, *, split: str, min_per_class: int) -> None:
    """Refuses a split in which a subgroup is too small for an objective.

    Call it at set-up, before anything trains: the subgroups of an objective are fixed from then on, and none of them
    is ever left out silently.

    Args:
        subgroups: the subgroups of the split's ``n`` samples.
        labels: shape ``(n,)``, 0 or 1.
        split: the split's name, for the message.
        min_per_class: the fewest negatives and the fewest positives a subgroup may hold, at least 1.

    Raises:
        EligibilityError: if a subgroup holds fewer, naming every one that does; or if the attribute has fewer than
            two subgroups.
        ConfigurationError: if ``min_per_class`` is below 1.

    Example:
        >>> sex = Subgroups("sex", ("female", "male"), [0, 0, 1, 1])
        >>> require_eligible(sex, [0, 1, 0, 1], split="validation", min_per_class=1)
    """
    if min_per_class < 1:
        raise ConfigurationError(f"min_per_class is {min_per_class}. Give at least 1: an AUROC needs both classes.")
    if len(subgroups.names) < 2:
        raise EligibilityError(
            f"Attribute {subgroups.attribute!r} has {len(subgroups.names)} subgroup(s): {list(subgroups.names)}. "
            "Declare an attribute with two subgroups or more: nothing can be compared otherwise."
        )
    counts = class_counts(subgroups, labels)
    small = {name: cell for name, cell in counts.items() if min(cell) < min_per_class}
    if small:
        raise EligibilityError(_refusal(subgroups.attribute, split, min_per_class, small))


def _refusal(attribute: str, split: str, min_per_class: int, small: dict[str, tuple[int, int]]) -> str:
    cells = "; ".join(f"{name!r} holds {neg} negatives and {pos} positives" for name, (neg, pos) in small.items())
    smallest = min(min(cell) for cell in small.values())
    override = (
        f"lower min_per_class to {smallest} and accept that so small a subgroup ranks noise"
        if smallest
        else "no value of min_per_class admits a subgroup that lacks a class"
    )
    return (
        f"Subgroups of attribute {attribute!r} are too small in the {split} split for min_per_class={min_per_class}: "
        f"{cells}. Merge subgroups, or draw the split so that each holds enough of both classes; {override}."
    )
