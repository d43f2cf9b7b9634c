"""The conformance suite holds for the smallest reader, and finds what is wrong with others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from monai_fairtune.cohort.readers import READERS, About, FoundCohort, option
from monai_fairtune.testing.readers import check_reader
from monai_fairtune.testing.tiny_reader import TinyReader, write_tiny_download


def _cut(root: Path, name: str) -> NDArray[np.uint8]:
    return np.zeros((2, 2), dtype=np.uint8)


@dataclass(frozen=True)
class Changed:
    """A tiny reader that breaks one promise."""

    broken: str = option("", "which")

    about: ClassVar[About] = TinyReader.about

    def read(self, root: Path) -> FoundCohort:
        found = TinyReader().read(root)
        rows = found.rows
        if self.broken == "writes":
            (root / "cache").write_text(str(np.random.default_rng().random()))
        changes: dict[str, dict[str, object]] = {
            "numbers": {"rows": rows.assign(label=rows["label"].astype(int))},
            "labels": {"rows": rows.assign(label="2")},
            "repeats": {"rows": pd.concat([rows, rows[:1]]), "n_read": 13},
            "patients": {"rows": rows.assign(patient_id="")},
            "splits": {"rows": rows.assign(split="val")},
            "forgets": {"rows": rows[1:]},
            "counts": {"counts": {}},
            "missing": {"missing": ()},
            "surplus": {"surplus": tuple(rows["image"][-1:])},
            "tables": {"tables": ("absent.csv",)},
            "container": {"picture": _cut, "container": "absent.h5"},
            "no container": {"picture": _cut, "rows": rows.replace({"image": {"images/1.png": "1"}})},
            "writes": {},
        }
        return replace(found, **changes[self.broken])  # type: ignore[arg-type]


def test_conformance_of_the_smallest_reader(tmp_path: Path) -> None:
    check_reader(TinyReader(), write_tiny_download(tmp_path, n_missing=1))


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("numbers", r"columns \['label'\] hold cells that are not text"),
        ("labels", r"the labels are \['2'\]"),
        ("repeats", "an image has two rows"),
        ("patients", "patient is blank"),
        ("splits", "a split is not one of ours"),
        ("forgets", "10 . 1 is not 12"),
        ("counts", "does not count what is published"),
        ("missing", "no image is missing"),
        ("surplus", "a file is surplus and has a row"),
        ("tables", "a table is not a file"),
        ("container", "the image 'images/1.png' is cut out of a file that is not there"),
        ("no container", "the image '1' is cut out of a file that is not there"),
        ("writes", "the download has changed"),
    ],
)
def test_a_reader_that_breaks_a_promise_is_named_for_it(tmp_path: Path, broken: str, complaint: str) -> None:
    root = write_tiny_download(tmp_path, n_missing=1)
    with pytest.raises(AssertionError, match=complaint):
        check_reader(Changed(broken), root)


def test_a_download_that_lacks_nothing_cannot_show_that_missing_images_are_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="give a download that lacks one"):
        check_reader(TinyReader(), write_tiny_download(tmp_path))


def test_every_reader_has_a_name_of_its_own_and_its_tests() -> None:
    assert all(name == kind.about.name for name, kind in READERS.items())
    assert all((Path(__file__).parent / f"test_readers_{name}.py").exists() for name in READERS)
