"""What tests of `prepare_cohort` share: a reader whose images are cut out of its files, and calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_fairtune.cohort.readers import About, FoundCohort, PreparedCohort, option, prepare_cohort
from monai_fairtune.exceptions import ImageError
from monai_fairtune.testing.tiny_reader import TinyReader


@dataclass(frozen=True)
class Cutting:
    """A tiny reader whose images are cut out of its files; one of a root with a file ``interrupt`` is interrupted."""

    how: str = option("ramp", "ramp, fail, fail at 3, or alike")
    about: ClassVar[About] = TinyReader.about

    def read(self, root: Path) -> FoundCohort:
        found = replace(TinyReader().read(root), picture=self.cut, container="table.csv")
        names = [name.replace(".png", ".x" if k % 2 else ".png") for k, name in enumerate(found.rows["image"])]
        alike = [f"images/1.{'x' if k % 2 else 'y'}{k // 2}" for k in range(len(names))]
        return replace(found, rows=found.rows.assign(image=alike if self.how == "alike" else names))

    def cut(self, root: Path, name: str) -> NDArray[np.uint16]:
        number = int(Path(name).stem)
        if number == 3 and (root / "interrupt").exists():
            raise KeyboardInterrupt
        if self.how == "fail" or (self.how == "fail at 3" and number == 3):
            raise ImageError("Image '3' is damaged. Replace it.")
        return np.full((6, 8), 1000 * number, dtype=np.uint16)


def prepare(root: Path, output: Path, reader: Any = None, **how: Any) -> PreparedCohort:
    return prepare_cohort(reader or TinyReader(), root, output, progress=False, **how)


def rows_of(prepared: PreparedCohort) -> pd.DataFrame:
    assert prepared.manifest is not None
    return pd.read_csv(prepared.manifest, dtype=str, keep_default_na=False)
