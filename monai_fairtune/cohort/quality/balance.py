"""Labels and subgroups, split by split: how many, how often the class to find, and what goes with what."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.counts import Counted
from monai_fairtune.cohort.quality.alarms import STRONG, adjust, is_clear
from monai_fairtune.cohort.quality.association import associate, contingency
from monai_fairtune.cohort.quality.recorded import Recorded, columns_of
from monai_fairtune.cohort.splits import SPLIT_NAMES
from monai_fairtune.metrics import Value
from monai_fairtune.metrics.estimate import RateEstimate
from monai_fairtune.subgroups import MISSING

__all__ = ["associations", "balance_cautions", "measure_balance", "prevalence"]

ALL, LABEL, SPLIT = "all", "label", "split"
_ALPHA = 0.025


def measure_balance(recorded: Recorded) -> dict[str, Any]:
    """Returns counts and prevalence of the cohort and of each split, by subgroup, intersection and acquisition.

    Returns:
        ``{"all" or split: {"n", "n_patients", "n_positive", "prevalence", "attributes": {declaration: {"subgroups":
        {name: the same}, "missing": the same}}}}``; the prevalence of a part is a number, that of a subgroup a value
        with its interval by patient.
    """
    groups = {**recorded.attributes, **recorded.intersections, **recorded.acquisition}
    counted = Counted(recorded.labels, recorded.patients, groups)
    parts = {ALL: np.ones(len(recorded.labels), dtype=np.bool_)}
    parts |= {split: np.asarray(recorded.splits == split) for split in SPLIT_NAMES}
    return {name: _part(counted, rows) for name, rows in parts.items()}


def _part(counted: Counted, rows: NDArray[np.bool_]) -> dict[str, Any]:
    part = counted.count_attributes(rows)
    part["prevalence"] = part["n_positive"] / max(part["n"], 1)
    for name, entry in part["attributes"].items():
        group = counted.subgroups[name]
        members = [(cell, group.member(subgroup)) for subgroup, cell in entry["subgroups"].items()]
        for cell, member in (*members, (entry["missing"], group.codes == MISSING)):
            chosen = rows & member
            cell["prevalence"] = prevalence(counted.labels[chosen], counted.patients[chosen]).to_dict()
    return part


def prevalence(labels: NDArray[np.int64], patients: NDArray[np.int64]) -> Value:
    """Returns the share of images of class 1, with a 95 % interval that knows whose image is whose.

    Args:
        labels: shape ``(n,)``, 0 or 1.
        patients: shape ``(n,)``, whole numbers.

    Example:
        >>> found = prevalence(np.array([0, 1, 0, 0]), np.arange(4))
        >>> found.value, round(found.low, 2), round(found.high, 2)
        (0.25, 0.02, 0.87)

    Source:
        The standard error is that of a ratio over clusters (Cochran, "Sampling Techniques", 3rd edition, section
        6.4), the interval Wilson's with the effective sample size: see ``RateEstimate``.
    """
    if not len(labels):
        return Value(None, "There is no image.")
    share = float(labels.mean())
    _, owner = np.unique(patients, return_inverse=True)
    off = np.bincount(owner, weights=labels - share)
    n = len(off)
    error = math.sqrt(n / max(n - 1, 1) * float(off @ off)) / len(labels)
    low, high = RateEstimate(share, error, n, len(labels), n).limits(_ALPHA)
    return Value(share, low=low, high=high)


def associations(recorded: Recorded) -> list[dict[str, Any]]:
    """Returns Cramer's V of every two of label, split, attributes and acquisition, counted by patient.

    Images without a recorded value are left out of its pairs. Properties that share a column are not paired.

    Returns:
        One ``{"a", "b", "value", "p_value", "p_holm"}`` a pair, ``"value": None`` with a reason where one of the two
        does not vary; ``p_holm`` is adjusted over all pairs.
    """
    properties = {LABEL: recorded.patient_labels, SPLIT: recorded.split_codes}
    properties |= {name: group.codes for name, group in {**recorded.attributes, **recorded.acquisition}.items()}
    pairs = [(a, b) for a, b in combinations(properties, 2) if columns_of(a).isdisjoint(columns_of(b))]
    found = adjust([associate(contingency(recorded.patients, properties[a], properties[b])) for a, b in pairs])
    return [{"a": a, "b": b, **value.to_dict()} for (a, b), value in zip(pairs, found, strict=True)]


def balance_cautions(pairs: Sequence[Mapping[str, Any]], acquisition: Collection[str]) -> Iterator[str]:
    """Yields what goes together and had better not: subgroups with the label, and splits with anything recorded."""
    for pair in pairs:
        a, b = pair["a"], pair["b"]
        if b in acquisition or not is_clear(pair, STRONG):
            continue
        told = f"(Cramer's V {pair['value']:.2f}, by patient)"
        if a == SPLIT or b == SPLIT:
            other = b if a == SPLIT else a
            yield f"The splits differ in {other} {told}. Draw them anew with split_fractions, unless that is meant."
        elif a == LABEL:
            yield (
                f"The share of class 1 depends on {b} {told}. Compare subgroups by AUROC, TPR and FPR rather than by "
                "how often the model says yes."
            )
