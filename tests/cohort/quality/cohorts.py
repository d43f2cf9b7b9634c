"""Cohorts with a planted fault, or with none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.quality.recorded import Recorded
from monai_fairtune.cohort.splits import SPLIT_NAMES
from monai_fairtune.subgroups import MISSING, Subgroups

__all__ = ["clean", "with_missing", "with_site"]


def clean(n_patients: int = 600, n_images: int = 2, *, seed: int = 0) -> Recorded:
    """Everything is independent of everything; a twentieth of ages is missing at random."""
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n_patients), n_images)

    def of_patient(values: int, shares: list[float]) -> NDArray[np.int64]:
        return rng.choice(values, size=n_patients, p=shares)[patients]

    age = of_patient(3, [0.5, 0.45, 0.05])
    return Recorded(
        labels=of_patient(2, [0.7, 0.3]),
        patients=patients,
        splits=np.array(SPLIT_NAMES)[of_patient(4, [0.6, 0.1, 0.1, 0.2])],
        attributes={
            "sex": Subgroups("sex", ("female", "male"), of_patient(2, [0.5, 0.5])),
            "age:60": Subgroups("age:60", ("[0,60)", "[60,inf)"), np.where(age == 2, MISSING, age)),
        },
        acquisition={"site": Subgroups("site", ("A", "B", "C"), of_patient(3, [0.5, 0.3, 0.2]))},
    )


def with_missing(recorded: Recorded, share: float) -> Recorded:
    """Sex is missing in a share of the patients of class 1, and in nobody else."""
    lost = np.random.default_rng(1).random(int(recorded.patients.max()) + 1) < share
    codes = np.where(lost[recorded.patients] & (recorded.labels == 1), MISSING, recorded.attributes["sex"].codes)
    sex = Subgroups("sex", recorded.attributes["sex"].names, codes)
    return replace(recorded, attributes={**recorded.attributes, "sex": sex})


def with_site(recorded: Recorded, follows: NDArray[np.int64], share: float) -> Recorded:
    """The site follows a property (0 or 1 of each image's patient) in a share of the patients, and is drawn else."""
    rng = np.random.default_rng(2)
    n = int(recorded.patients.max()) + 1
    follow, drawn = rng.random(n) < share, rng.integers(2, size=n)
    codes = np.where(follow[recorded.patients], follows, drawn[recorded.patients])
    return replace(recorded, acquisition={"site": Subgroups("site", ("A", "B"), codes)})
