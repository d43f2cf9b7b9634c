"""Images unlike the others, and whether image quality differs between subgroups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from monai_fairtune.cohort.quality.alarms import LARGE_DIFFERENCE, UNLIKE, adjust, is_clear
from monai_fairtune.cohort.quality.recorded import Recorded
from monai_fairtune.cohort.quality.traits import TRAITS, ImageTraits
from monai_fairtune.metrics import Value

__all__ = ["measure_quality", "quality_cautions", "robust_scores", "standardised_difference"]

_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, of a normal distribution
_MEAN_TO_SIGMA = 1.2533
_NORMAL = 1.959964  # quantile of the normal distribution for a 95 % interval


def measure_quality(traits: Sequence[ImageTraits], recorded: Recorded, names: Sequence[str]) -> dict[str, Any]:
    """Returns what is unlike in some images, and how subgroups differ in their images.

    Args:
        traits: of ``n`` images.
        recorded: of the same images.
        names: of the same images, as the manifest has them.

    Returns:
        ``n``; ``constant`` and ``outliers``, which name images; ``n_constant`` and ``n_outliers`` by trait;
        ``medians``; ``differences``, a row each subgroup and trait: the standardised mean difference to all other
        images of the attribute, with an interval and ``p_holm`` over all rows.
    """
    constant = np.array([image.is_constant for image in traits], dtype=np.bool_)
    values = np.array([image.values for image in traits]).reshape(-1, len(TRAITS))
    scores = np.zeros_like(values)
    scores[~constant] = robust_scores(values[~constant])
    unlike = [(row, trait) for row, trait in np.argwhere(np.abs(scores) > UNLIKE).tolist()]
    return {
        "n": len(traits),
        "n_constant": int(constant.sum()),
        "constant": [names[row] for row in np.flatnonzero(constant).tolist()],
        "n_unlike": len({row for row, _ in unlike}),
        "n_outliers": {name: sum(k == trait for _, trait in unlike) for k, name in enumerate(TRAITS)},
        "outliers": [
            {"image": names[row], "trait": TRAITS[trait], "z": round(float(scores[row, trait]), 2)}
            for row, trait in unlike
        ],
        "medians": dict(zip(TRAITS, np.median(values, axis=0).tolist(), strict=True)) if len(traits) else {},
        "differences": _differences(values, constant, recorded),
    }


def robust_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns how far each value lies from its column's median, in robust standard deviations: same shape.

    The standard deviation is 1.48 times the median absolute deviation; where more than half of the values are equal,
    1.25 times the mean absolute deviation.

    Source:
        Iglewicz and Hoaglin, "How to Detect and Handle Outliers", ASQC (1993).
    """
    if not len(values):
        return values
    off = values - np.median(values, axis=0)
    spread = _TO_SIGMA * np.median(np.abs(off), axis=0)
    spread = np.where(spread > 0, spread, _MEAN_TO_SIGMA * np.mean(np.abs(off), axis=0))
    return np.asarray(off / np.where(spread > 0, spread, 1.0))


def _differences(values: NDArray[np.float64], constant: NDArray[np.bool_], recorded: Recorded) -> list[dict[str, Any]]:
    rows, found = [], []
    for attribute, group in recorded.attributes.items():
        known = (group.codes >= 0) & ~constant
        present = [name for name, member in group.items() if (member & known).any()]
        for name in present[1:] if len(present) == 2 else present:  # of two, each is the other's opposite
            chosen = group.member(name)[known]
            by_patient = _patient_means(values[known], recorded.patients[known], chosen)
            for k, trait in enumerate(TRAITS):
                rows.append({"attribute": attribute, "subgroup": name, "trait": trait})
                found.append(standardised_difference(*(part[:, k] for part in by_patient)))
    return [{**row, **value.to_dict()} for row, value in zip(rows, adjust(found), strict=True)]


def _patient_means(
    values: NDArray[np.float64], patients: NDArray[np.int64], chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the mean of each patient's chosen images, and of each patient's others."""
    found = []
    for member in (chosen, ~chosen):
        _, owner, counts = np.unique(patients[member], return_inverse=True, return_counts=True)
        sums = np.zeros((len(counts), values.shape[1]))
        np.add.at(sums, owner, values[member])
        found.append(sums / np.maximum(counts, 1)[:, None])
    return found[0], found[1]


def standardised_difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> Value:
    """Returns the mean of ``a`` minus that of ``b`` in units of their pooled standard deviation (Cohen's d).

    Args:
        a: shape ``(n_a,)``.
        b: shape ``(n_b,)``.

    Returns:
        The difference with its 95 % interval and the ``p_value`` of Welch's test; undefined where a side has fewer than
        two values, or none varies.

    Example:
        >>> standardised_difference(np.array([1.0, 2, 3]), np.array([3.0, 4, 5])).value
        -2.0

    Source:
        Hedges and Olkin, "Statistical Methods for Meta-Analysis" (1985), for the standard error; Welch, "The
        generalization of Student's problem", Biometrika 34 (1947).
    """
    n_a, n_b = len(a), len(b)
    if min(n_a, n_b) < 2:
        return Value(None, f"There are {n_a} patients on the one side and {n_b} on the other; 2 of each are needed.")
    var_a, var_b = float(a.var(ddof=1)), float(b.var(ddof=1))
    pooled = math.sqrt(((n_a - 1) * var_a + (n_b - 1) * var_b) / (n_a + n_b - 2))
    if pooled <= 1e-12:
        return Value(None, "It is the same in all images.")
    apart = float(a.mean() - b.mean())
    d = apart / pooled
    error = math.sqrt((n_a + n_b) / (n_a * n_b) + d**2 / (2 * (n_a + n_b)))
    parts = var_a / n_a, var_b / n_b
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (n_a - 1) + parts[1] ** 2 / (n_b - 1))
    p_value = 2 * float(stdtr(freedom, -abs(apart) / math.sqrt(sum(parts))))
    reach = _NORMAL * error
    return Value(d, low=d - reach, high=d + reach, extra={"p_value": p_value})


def quality_cautions(found: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is to be looked at: images of one colour or unlike the others, subgroups imaged differently."""
    if found["n_constant"]:
        yield f"{found['n_constant']} images are of one colour throughout. Look at them, or leave them out."
    if found["n_unlike"]:
        kinds = ", ".join(f"{trait} {n}" for trait, n in found["n_outliers"].items() if n)
        yield f"{found['n_unlike']} images are unlike the others ({kinds}). Look at them."
    clear = [row for row in found["differences"] if is_clear(row, LARGE_DIFFERENCE)]
    for attribute in dict.fromkeys(row["attribute"] for row in clear):
        largest = max((row for row in clear if row["attribute"] == attribute), key=lambda row: abs(row["value"]))
        n_more = sum(row["attribute"] == attribute for row in clear) - 1
        more = f", and {n_more} more such differences" if n_more else ""
        yield (
            f"Images differ by {attribute}: {largest['trait']} of {largest['subgroup']} lies {largest['value']:+.2f} "
            f"standard deviations from that of the others{more}. A gap in performance may come from how images were "
            "taken."
        )
