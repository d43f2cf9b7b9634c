"""The smallest reader there is, and a download for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from monai_fairtune.cohort.readers import About, FoundCohort, option
from monai_fairtune.cohort.readers.files import find_images
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_csv, recode
from monai_fairtune.cohort.synthetic_files import write_png

__all__ = ["TinyReader", "write_tiny_download"]


@dataclass(frozen=True)
class TinyReader:
    """Reads what ``write_tiny_download`` writes."""

    unsure: Literal["drop", "0", "1"] = option("drop", "the label of images that the table marks with a question mark")

    about: ClassVar[About] = About(
        name="tiny",
        title="A download of grey squares",
        licence="none: it is drawn, not recorded",
        access="monai_fairtune.testing.tiny_reader.write_tiny_download",
        citation="none",
        layout="table.csv; images/<number>.png",
        label="1: bright, 0: dark",
        attributes={"sex": "female, male; u is missing"},
        patients="patient: two images each",
        split="none is official",
        study=("sex",),
        published={"images": 12},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        read, table = read_csv(root, ["table.csv"], ["number", "bright", "patient", "sex"])
        labels = {"0": "0", "1": "1", "?": self.unsure}
        rows = Rows(
            read.assign(
                image="images/" + read["number"] + ".png",
                label=recode(read["bright"], labels),
                label_name=recode(read["bright"], {"0": "dark", "1": "bright", "?": "unsure"}),
                patient_id=read["patient"],
                sex=recode(read["sex"], {"f": "female", "m": "male", "u": ""}),
            )
        )
        rows.drop(rows.table["label"] == "drop", "the label is unsure")
        return rows.found(self.about, images=find_images(root, (".png",)), counts={"images": len(read)}, tables=[table])


def write_tiny_download(root: Path, *, n: int = 12, n_missing: int = 0) -> Path:
    """Writes ``n`` images of 8 by 6 pixels and their table, less the first ``n_missing`` images; returns ``root``."""
    (root / "images").mkdir(parents=True)
    lines = [f"{k},{'?' if k == n - 1 else k % 2},p{k // 2},{'fmu'[k // 2 % 3]}" for k in range(n)]
    (root / "table.csv").write_text("number,bright,patient,sex\n" + "\n".join(lines) + "\n")
    for k in range(n_missing, n):
        write_png(root / "images" / f"{k}.png", np.linspace(0, k % 2, 48).reshape(6, 8))
    return root
