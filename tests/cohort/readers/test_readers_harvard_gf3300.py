from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.cohort import Cohort
from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.readers import HarvardGF3300, prepare_cohort
from monai_fairtune.exceptions import ConfigurationError, ImageError, ManifestError
from monai_fairtune.subgroups import SensitiveAttribute
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import downloads, eye_downloads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return eye_downloads.write_harvard_gf3300(tmp_path / "gf")


def test_conformance_of_the_reader(root: Path) -> None:
    check_reader(HarvardGF3300(), root)


def test_numbers_that_are_arrays_without_dimensions_are_read(root: Path) -> None:
    rows = HarvardGF3300().read(root).rows.set_index("patient_id").sort_values("age")
    assert rows["label"].tolist() == ["0", "1", "0", "1", "0", "1", "0"]
    assert rows["sex"].tolist() == ["female", "female", "male", "male", "female", "female", "male"]
    assert rows["race"].tolist() == ["Asian", "Black", "White", "Asian", "Black", "White", "Asian"]
    assert rows["age"].tolist() == [str(50 + k) for k in range(7)]
    assert rows["split"].to_dict()["Validation/data_0004"] == "validation"


def test_the_folders_are_the_official_splits(root: Path) -> None:
    found = HarvardGF3300().read(root)
    assert found.counts == {"train": 4, "validation": 1, "test": 2}
    assert found.rows["split"].value_counts().to_dict() == found.counts
    assert HarvardGF3300.about.published == {"train": 2100, "validation": 300, "test": 900}


def test_one_range_holds_for_all_images_so_that_thickness_is_kept(root: Path, tmp_path: Path) -> None:
    prepared = prepare_cohort(HarvardGF3300(), root, tmp_path / "out", progress=False)
    assert prepared.manifest is not None
    for image, source in zip(prepared.rows["image"], prepared.found.rows["image"], strict=True):
        with np.load(root / source) as archive:
            expected = np.clip(archive["rnflt"] / 350, 0, 1)
        assert abs(decode_image(tmp_path / "out" / image)[0] - expected).max() < 1e-4
    with pytest.raises(ConfigurationError, match="from 350 to 350"):
        HarvardGF3300(thinnest=350).read(root)


def test_races_may_be_names(root: Path) -> None:
    np.savez(root / "Test" / "data_0009.npz", rnflt=np.zeros((4, 4)), glaucoma=np.array(1), male=np.array([0]),
             age=np.array(67.25), race=np.array("Black or African American"))  # fmt: skip
    row = HarvardGF3300().read(root).rows.set_index("patient_id").loc["Test/data_0009"]
    assert (row["race"], row["sex"], row["age"]) == ("Black", "female", "67.25")


def test_damaged_files_are_dropped_and_counted_and_never_unpickled(root: Path) -> None:
    (root / "Test" / "data_0005.npz").write_bytes(b"PK broken")
    np.savez(root / "Test" / "data_0006.npz", glaucoma=np.array({"a": 1}, dtype=object))
    found = HarvardGF3300().read(root)
    assert found.dropped == {"the file cannot be read": 2}
    assert found.n_read == 7
    with pytest.raises(ImageError, match=r"'Test/data_0005.npz' cannot be read"):
        HarvardGF3300().picture(root, "Test/data_0005.npz")


def test_files_outside_the_folders_of_splits_are_surplus(root: Path) -> None:
    downloads.touch(root, ["sample.npz"])
    assert HarvardGF3300().read(root).surplus == ("sample.npz",)
    downloads.touch(root / "other", ["x/sample.npz"])
    with pytest.raises(ManifestError, match="1 NPZ files and none of them in a folder Training"):
        HarvardGF3300().read(root / "other")


def test_a_prepared_cohort_keeps_its_official_splits(root: Path, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        copied = (root / f"Training/data_000{number}.npz").read_bytes()
        (root / f"Validation/data_001{number}.npz").write_bytes(copied)
    prepared = prepare_cohort(HarvardGF3300(), root, tmp_path / "out", progress=False)
    assert prepared.manifest is not None
    cohort = Cohort.from_manifest(prepared.manifest, SensitiveAttribute.parse_all("race"))
    assert [len(cohort.indices(split)) for split in ("train", "validation", "selection", "test")] == [4, 2, 2, 2]
    assert cohort.split_rule.startswith("Splits are those of the manifest")
