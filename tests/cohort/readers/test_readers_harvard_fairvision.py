from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.readers import HarvardFairVision, prepare_cohort
from monai_fairtune.exceptions import ImageError, ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import eye_downloads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return eye_downloads.write_harvard_fairvision(tmp_path / "FairVision")


@pytest.mark.parametrize(
    "reader",
    [HarvardFairVision(), HarvardFairVision("amd", "late"), HarvardFairVision("dr", image="oct_bscans")],
    ids=["glaucoma", "amd", "dr"],
)
def test_conformance_of_the_reader(root: Path, reader: HarvardFairVision) -> None:
    check_reader(reader, root)


def test_attributes_are_those_of_the_table(root: Path) -> None:
    rows = HarvardFairVision().read(root).rows
    assert rows["label"].tolist() == ["1", "0", "0", "1", "1"]
    assert rows["sex"].tolist() == ["female", "male", "male", "female", "female"]
    assert rows["age"].tolist() == ["62.5", "70", "55.25", "", "81"]
    assert rows["race"].tolist() == ["Black", "White", "Asian", "White", "White"]
    assert rows["ethnicity"].tolist() == ["non-hispanic", "", "hispanic", "non-hispanic", "non-hispanic"]
    assert rows["split"].tolist() == ["train", "train", "validation", "test", "test"]


@pytest.mark.parametrize(("stage", "labels"), [("early", "0111"), ("intermediate", "0011"), ("late", "0010")])
def test_macular_degeneration_is_1_from_the_stage_that_is_asked_for(root: Path, stage: str, labels: str) -> None:
    assert "".join(HarvardFairVision("amd", stage).read(root).rows["label"]) == labels  # type: ignore[arg-type]


def test_files_of_one_name_are_those_of_the_disease(root: Path, tmp_path: Path) -> None:
    for disease in ("glaucoma", "amd", "dr"):
        reader = HarvardFairVision(disease)
        prepared = prepare_cohort(reader, root, tmp_path / disease, allow_missing=True, progress=False)
        image = tmp_path / disease / prepared.rows["image"].tolist()[1]
        assert np.allclose(decode_image(image), (50 + len(disease)) / 255, atol=1e-4)


@pytest.mark.parametrize(("disease", "folder"), [("glaucoma", "Glaucoma"), ("amd", "AMD"), ("dr", "DR")])
def test_the_folder_of_one_disease_may_be_the_root(root: Path, disease: str, folder: str) -> None:
    reader = HarvardFairVision(disease)  # type: ignore[arg-type]
    whole, part = reader.read(root), reader.read(root / folder)
    assert [f"{folder}/{name}" for name in part.rows["image"][:-1]] == whole.rows["image"].tolist()[:-1]
    assert part.missing == whole.missing


def test_files_of_other_diseases_are_never_taken(root: Path) -> None:
    for folder in ("Training", "Validation", "Test"):
        shutil.rmtree(root / "Glaucoma" / folder)
    found = HarvardFairVision().read(root)
    assert found.missing == tuple(found.rows["image"])


def test_the_middle_of_the_volume_may_be_taken(root: Path) -> None:
    reader = HarvardFairVision(image="oct_bscans")
    assert (reader.picture(root, "Glaucoma/Training/data_00001.npz") == 20 * 257).all()


def test_a_photograph_that_is_empty_or_damaged_is_named(root: Path) -> None:
    path = root / "Glaucoma" / "Training" / "data_00001.npz"
    np.savez(path, slo_fundus=np.zeros(0))
    with pytest.raises(ImageError, match=r"data_00001.npz' cannot be used. Its array has shape \(0,\)"):
        HarvardFairVision().picture(root, "Glaucoma/Training/data_00001.npz")
    path.write_bytes(b"PK")
    with pytest.raises(ImageError, match=r"data_00001.npz' cannot be read"):
        HarvardFairVision().picture(root, "Glaucoma/Training/data_00001.npz")


def test_another_stage_is_refused(root: Path) -> None:
    table = root / "AMD" / "ReadMe" / "data_summary_amd.csv"
    table.write_text(table.read_text().replace("early amd", "amd?"))
    with pytest.raises(ManifestError, match=r"'amd' holds \['amd\?'\]"):
        HarvardFairVision("amd").read(root)
