"""The synthetic cohort: its files are real, its shares are those it tells, and a seed fixes every byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom import dcmread

from monai_fairtune.cohort import Cohort, write_synthetic_cohort
from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.subgroups import SensitiveAttribute, require_eligible


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_cohort(tmp_path_factory.mktemp("cohort"), seed=3)


@pytest.fixture(scope="module")
def table(manifest: Path) -> pd.DataFrame:
    return pd.read_csv(manifest, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def patients(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop_duplicates("patient_id")


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_synthetic_cohort(tmp_path / name, n_patients=60, seed=seed)
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    assert first["manifest.csv"] != other["manifest.csv"]
    assert not set(first.values()) & set(other.values())


def test_every_image_differs_from_every_other(manifest: Path) -> None:
    found = digests(manifest.parent / "images")
    assert len(set(found.values())) == len(found)


def test_shares_are_as_documented(table: pd.DataFrame, patients: pd.DataFrame) -> None:
    age = pd.to_numeric(patients["age"])
    assert list(table.columns) == ["image", "label", "patient_id", "sex", "age"]
    assert (age[age.notna()] >= 60).mean() == pytest.approx(0.28, abs=0.02)
    assert age.isna().mean() == pytest.approx(0.03, abs=0.015)
    assert (patients["sex"] == "").mean() == pytest.approx(0.03, abs=0.015)
    assert (patients["label"] == "1").mean() == pytest.approx(0.5, abs=0.001)
    assert patients.groupby(age >= 60)["label"].apply(lambda label: (label == "1").mean()).between(0.46, 0.54).all()
    assert len(table) / len(patients) == pytest.approx(1.1, abs=0.03)
    assert table["image"].str.endswith(".dcm").mean() == pytest.approx(0.2, abs=0.04)


def test_format_tells_nothing_about_label_or_subgroup(patients: pd.DataFrame) -> None:
    dicom = patients["image"].str.endswith(".dcm")
    older = pd.to_numeric(patients["age"]) >= 60
    for other in (patients["label"] == "1", older, patients["sex"] == "male"):
        assert abs(dicom[other].mean() - dicom[~other].mean()) < 0.08


@pytest.mark.parametrize("attribute", ["age:60", "sex"])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_split_holds_enough_of_both_classes_for_the_default_threshold(
    manifest: Path, attribute: str, seed: int
) -> None:
    declared = [SensitiveAttribute.parse("age:60"), SensitiveAttribute.parse("sex")]
    cohort = Cohort.from_manifest(manifest, declared, seed=seed)
    for split in ("validation", "selection", "test"):
        rows = cohort.indices(split)
        require_eligible(cohort.subgroups[attribute].take(rows), cohort.labels[rows], split=split, min_per_class=20)


def test_png_files_are_grey_pictures(manifest: Path, table: pd.DataFrame) -> None:
    for name in table["image"][table["image"].str.endswith(".png")][:20]:
        with Image.open(manifest.parent / name) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (64, 64))


def test_dicom_files_are_of_both_polarities_have_a_window_and_hold_no_name(manifest: Path, table: pd.DataFrame) -> None:
    names = table[table["image"].str.endswith(".dcm")]
    polarities = set()
    for name, patient_id in zip(names["image"], names["patient_id"], strict=True):
        dataset = dcmread(manifest.parent / name)
        polarities.add(dataset.PhotometricInterpretation)
        assert dataset.pixel_array.shape == (64, 64)
        assert dataset.WindowWidth > 1000
        assert dataset.PatientID == patient_id
        assert dataset.PatientIdentityRemoved == "YES"
        assert not dataset.PatientName
        assert not dataset.PatientBirthDate
    assert polarities == {"MONOCHROME1", "MONOCHROME2"}


def test_dicom_files_are_seen_as_bright_as_png_files(manifest: Path, table: pd.DataFrame) -> None:
    means: dict[str, list[float]] = {".png": [], ".dcm": []}
    for name in table["image"][:400]:
        image = decode_image(manifest.parent / name)
        assert float(image[0, 0, 0]) == 0
        means[Path(name).suffix].append(float(image.mean()))
    assert np.mean(means[".png"]) == pytest.approx(np.mean(means[".dcm"]), abs=0.02)


def test_too_few_patients_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="n_patients is 10"):
        write_synthetic_cohort(tmp_path, n_patients=10)
