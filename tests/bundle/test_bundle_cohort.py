from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_fairtune.bundle import load_cohort
from monai_fairtune.cohort.split_file import write_split_file
from tests.bundle.bundle_runs import read_rows


def test_a_config_tests_on_the_rows_that_it_names_and_repeats_it_from_a_file(manifest: Path, tmp_path: Path) -> None:
    drawn = load_cohort(manifest, "sex", split_by="age>=60")
    old = [row["image"] for row in read_rows(manifest) if row["age"] == "80"]
    assert [drawn.image_names[index] for index in drawn.indices("test")] == old
    path = tmp_path / "splits.csv"
    write_split_file(path, drawn.image_names, drawn.splits)
    repeated = load_cohort(manifest, "sex", split_file=str(path))
    np.testing.assert_array_equal(repeated.splits, drawn.splits)
    assert not np.array_equal(load_cohort(manifest, "sex").splits, drawn.splits)
