"""Dealing patients out to splits so that every split resembles the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.subgroups import Subgroups

__all__ = ["deal_patients"]

_GRAIN = 1000  # parts of an image that a split may still be owed
_WEIGHT = 1 << 16


def deal_patients(
    patient_ids: NDArray[np.str_],
    labels: NDArray[np.int64],
    subgroups: Mapping[str, Subgroups],
    fractions: Sequence[float],
    *,
    seed: int,
    purpose: str,
) -> NDArray[np.int64]:
    """Deals whole patients to parts whose images hold each label and subgroup in the same proportions.

    Iterative stratification after Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML
    PKDD 2011: patients of the rarest stratum are dealt first, each to the part that is owed most. A stratum is a
    label, or a label within one subgroup, the missing ones included. Several attributes are balanced one by one:
    crossing them would leave strata of single patients. A rare stratum needs no merging, it is merely spread as far
    as it reaches.

    The result depends on the patients, not on the order of rows, nor on the machine: arithmetic is on integers, and
    ties follow a hash of seed and patient id.

    Args:
        patient_ids: shape ``(n,)``; images of one patient stay together.
        labels: shape ``(n,)``, 0 or 1.
        subgroups: attribute declaration to the images' subgroups.
        fractions: the share of each part; positive, with sum 1.
        seed: decides among equally good deals.
        purpose: a word, so that two deals with one seed are independent.

    Returns:
        The part of each image: shape ``(n,)``, positions in ``fractions``.

    Example:
        >>> ids = np.array(["a", "a", "b", "c", "d"])
        >>> parts = deal_patients(ids, np.array([0, 0, 1, 0, 1]), {}, [0.5, 0.5], seed=0, purpose="demo")
        >>> bool(parts[0] == parts[1])
        True
    """
    if not len(patient_ids):
        return np.zeros(0, dtype=np.int64)
    patients, patient_of = np.unique(patient_ids, return_inverse=True)
    counts = _count_strata(patient_of, len(patients), labels, subgroups)
    order = sorted(range(len(patients)), key=lambda patient: _rank(str(patients[patient]), seed, purpose))
    parts = _deal(counts, np.array(order, dtype=np.int64), fractions)
    return parts[patient_of]


def _count_strata(
    patient_of: NDArray[np.int64], n_patients: int, labels: NDArray[np.int64], subgroups: Mapping[str, Subgroups]
) -> NDArray[np.int64]:
    """Counts the images of each patient in each stratum: shape ``(n_patients, n_strata)``, empty strata left out."""
    columns = [labels == label for label in (0, 1)]
    for attribute in sorted(subgroups):
        group = subgroups[attribute]
        members = [member for _, member in group.items()] + [group.codes < 0]
        columns += [member & (labels == label) for member in members for label in (0, 1)]
    counts = [np.bincount(patient_of[column], minlength=n_patients) for column in columns if column.any()]
    return np.stack(counts, axis=1).astype(np.int64)


def _deal(counts: NDArray[np.int64], order: NDArray[np.int64], fractions: Sequence[float]) -> NDArray[np.int64]:
    """Deals so that the chi-square distance between the parts' strata and their due stays as small as it can.

    Giving a patient with counts ``x`` to a part that is owed ``o`` changes that distance by
    ``sum(x * (x - 2 * o) / (fraction * total))``: the sum is over strata, and rare strata weigh more.
    """
    totals = counts.sum(axis=0)
    owed = np.array([[round(share * int(total) * _GRAIN) for total in totals] for share in fractions], dtype=np.int64)
    urgency = [round(_GRAIN / share) for share in fractions]
    pull = counts * (_WEIGHT // totals)
    parts = np.full(len(counts), -1, dtype=np.int64)
    for stratum in np.argsort(totals, kind="stable"):
        waiting = order[(parts[order] < 0) & (counts[order, stratum] > 0)]
        largest_first = np.argsort(-counts[waiting].sum(axis=1), kind="stable")
        for patient in waiting[largest_first]:
            gains = (2 * owed - counts[patient] * _GRAIN) @ pull[patient]
            part = int(np.argmax([int(gain) * haste for gain, haste in zip(gains, urgency, strict=True)]))
            parts[patient] = part
            owed[part] -= counts[patient] * _GRAIN
    return parts


def _rank(patient: str, seed: int, purpose: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{purpose}\n{patient}".encode()).digest()
