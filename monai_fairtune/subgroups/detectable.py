"""What difference between subgroups the data could show at all."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from monai_fairtune.exceptions import ConfigurationError, UndefinedMetricError
from monai_fairtune.subgroups.crossing import crossing

__all__ = ["minimum_detectable_gap"]


def minimum_detectable_gap(
    counts: Mapping[str, tuple[int, int]], *, auroc: float = 0.8, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Returns the smallest true AUROC difference that two of the subgroups would probably show.

    It is the worst pair's: the smallest ``gap`` for which a two-sided test at level ``alpha`` of two independent
    AUROCs, one at ``auroc`` and one at ``auroc - gap``, rejects with probability ``power``. A result above
    ``auroc - 0.5`` says that even a subgroup ranked at chance would probably go unseen; there the variance at chance
    is used. No gap exceeds ``auroc``: where even that would go unseen, there is no result.

    The counts are taken as independent patients: several images of one patient, or many subgroups compared at once,
    make the true figure larger.

    Args:
        counts: subgroup name to ``(n_negative, n_positive)``, as ``class_counts`` gives them.
        auroc: the AUROC of the better subgroup, above 0.5 and below 1.
        power: probability of finding the difference, above ``alpha / 2`` and below 1.
        alpha: level of the test, two-sided, above 0 and below 1.

    Returns:
        An AUROC difference, at most ``auroc``; smaller means that the data can show more.

    Raises:
        UndefinedMetricError: if there are fewer than two subgroups, one of them lacks a class, or no gap would show.
        ConfigurationError: if ``auroc``, ``power`` or ``alpha`` lies outside its range.

    Example:
        >>> round(minimum_detectable_gap({"female": (200, 50), "male": (200, 50)}), 3)
        0.17

    Source:
        Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
        Radiology 143 (1982): equation 2 for the variance, and the section on sample sizes.
    """
    if not (0.5 < auroc < 1 and 0 < alpha < 1 and alpha / 2 < power < 1):
        raise ConfigurationError(
            f"A detectable gap was asked for at auroc={auroc}, power={power}, alpha={alpha}. "
            "Give an AUROC above 0.5 and below 1, and a power and a level between 0 and 1."
        )
    _require_both_classes(counts)
    factor = float(ndtri(1 - alpha / 2) + ndtri(power))
    n_negative, n_positive = np.array(list(counts.values()), dtype=np.float64).T
    better = _variance(auroc, n_negative, n_positive)

    def excess(gap: float) -> float:
        worse = _variance(max(auroc - gap, 0.5), n_negative, n_positive)
        spread = better[:, None] + worse
        np.fill_diagonal(spread, 0.0)
        return gap - factor * math.sqrt(spread.max())

    if excess(auroc) < 0:
        name, (negative, positive) = list(counts.items())[int(np.argmax(better))]
        raise UndefinedMetricError(
            f"No AUROC gap would show, however large: subgroup {name!r} holds {negative} negatives and {positive} "
            "positives. Merge this subgroup with another, or give the split more patients."
        )
    # Each pair's excess changes sign once, so that of the worst pair does too.
    return crossing(excess, 0.0, auroc)


def _require_both_classes(counts: Mapping[str, tuple[int, int]]) -> None:
    if len(counts) < 2:
        raise UndefinedMetricError(
            f"The minimum detectable gap is undefined for {len(counts)} subgroup(s). Declare two subgroups or more."
        )
    lacking = {name: cell for name, cell in counts.items() if min(cell) < 1}
    if lacking:
        cells = "; ".join(f"{name!r} holds {neg} negatives and {pos} positives" for name, (neg, pos) in lacking.items())
        raise UndefinedMetricError(
            f"The minimum detectable gap is undefined: subgroup {cells}. "
            "Merge subgroups, or draw the split so that each holds both classes."
        )


def _variance(auroc: float, n_negative: NDArray[np.float64], n_positive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hanley and McNeil's variance of an AUROC, which assumes nothing of the scores but their rough shape."""
    both_positives = auroc / (2 - auroc)
    both_negatives = 2 * auroc**2 / (1 + auroc)
    total = (
        auroc * (1 - auroc)
        + (n_positive - 1) * (both_positives - auroc**2)
        + (n_negative - 1) * (both_negatives - auroc**2)
    )
    return total / (n_negative * n_positive)
