"""Where sensitive attributes are not recorded, and whether that goes with the label or with a subgroup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.quality.alarms import LEVEL, adjust
from monai_fairtune.cohort.quality.association import associate, contingency
from monai_fairtune.cohort.quality.recorded import Recorded, columns_of
from monai_fairtune.cohort.splits import SPLIT_NAMES
from monai_fairtune.subgroups import MISSING

__all__ = ["measure_missingness", "missingness_cautions"]

_Rows = Mapping[str, NDArray[np.bool_]]


def measure_missingness(recorded: Recorded) -> dict[str, Any]:
    """Returns how often each attribute is missing: by split, by label and by every other attribute's subgroups.

    Counts are of images. Whether it is missing more often in some than in others is tested by patient; ``p_holm`` is
    adjusted over all attributes and all that they are tested against.

    Returns:
        ``{declaration: {"n", "n_missing", "by": {"split" or "label" or another declaration: {"cells": {name: {"n",
        "n_missing"}}, "association": V}}}}`` of the attributes that are missing somewhere; V is Cramer's with
        ``p_value`` and ``p_holm``.
    """
    found: dict[str, Any] = {}
    tests = []
    for name, group in recorded.attributes.items():
        missing = group.codes == MISSING
        if not missing.any():
            continue
        by = {}
        for other, (codes, rows) in _others(recorded, name).items():
            table = contingency(recorded.patients, missing.astype(np.int64), codes)
            tests.append((name, other, associate(table)))
            by[other] = {"cells": {cell: _count(member, missing) for cell, member in rows.items()}}
        found[name] = {"n": len(missing), "n_missing": int(missing.sum()), "by": by}
    for (name, other, _), value in zip(tests, adjust([value for *_, value in tests]), strict=True):
        found[name]["by"][other]["association"] = value.to_dict()
    return found


def _others(recorded: Recorded, name: str) -> dict[str, tuple[NDArray[np.int64], _Rows]]:
    """Returns what an attribute's missingness is compared by: codes by patient, and the images of each cell."""
    found: dict[str, tuple[NDArray[np.int64], _Rows]] = {
        "split": (recorded.split_codes, {split: recorded.splits == split for split in SPLIT_NAMES}),
        "label": (recorded.patient_labels, {str(label): recorded.labels == label for label in (0, 1)}),
    }
    for other, group in recorded.attributes.items():
        if columns_of(other).isdisjoint(columns_of(name)):
            found[other] = (group.codes, dict(group.items()))
    return found


def _count(rows: NDArray[np.bool_], missing: NDArray[np.bool_]) -> dict[str, int]:
    return {"n": int(rows.sum()), "n_missing": int((rows & missing).sum())}


def missingness_cautions(found: Mapping[str, Any]) -> Iterator[str]:
    """Yields what an attribute's missingness goes with: leaving such images out then changes who is assessed."""
    for name, entry in found.items():
        for other, compared in entry["by"].items():
            p = compared["association"]["p_holm"]
            if p is None or p >= LEVEL:
                continue
            shares = {cell: n["n_missing"] / n["n"] for cell, n in compared["cells"].items() if n["n"]}
            least, most = (choose(shares, key=lambda cell: shares[cell]) for choose in (min, max))
            yield (
                f"Whether {name} is recorded depends on {other}: it is missing in {shares[most]:.1%} of the images of "
                f"{other} {most} and in {shares[least]:.1%} of those of {least}. Results about {name} leave these "
                "images out: find out why it was not recorded."
            )
