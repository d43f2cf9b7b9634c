from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.cohort.readers import OASIS1, prepare_cohort
from monai_fairtune.exceptions import ConfigurationError, ImageError, ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import downloads

VOLUME = downloads.oasis_volume()  # its first axis runs to the left, the others to the front and the head


@pytest.mark.parametrize("suffix", [".img", ".nii.gz"])
def test_conformance_of_the_reader(tmp_path: Path, suffix: str) -> None:
    check_reader(OASIS1(), downloads.write_oasis1(tmp_path, suffix=suffix))


def test_a_clinical_dementia_rating_above_0_is_1_and_sessions_are_their_subjects(tmp_path: Path) -> None:
    rows = OASIS1(cdr_blank="0").read(downloads.write_oasis1(tmp_path)).rows
    assert rows["label"].tolist() == ["0", "1", "0", "0", "1"]
    assert rows["label_name"].tolist()[1:3] == ["CDR 0.5", "CDR not rated"]
    assert rows["patient_id"].tolist() == ["OAS1_0001", "OAS1_0003", "OAS1_0061", "OAS1_0061", "OAS1_0457"]
    assert rows["sex"].tolist() == ["female"] * 4 + ["male"]
    assert rows["age"].tolist() == ["74", "73", "20", "20", "62"]


def test_the_spreadsheet_as_it_is_downloaded_is_read_like_the_csv(tmp_path: Path) -> None:
    root = downloads.write_oasis1(tmp_path)
    rows = OASIS1().read(root).rows
    (root / "oasis_cross-sectional.csv").unlink()
    cells = [[float(cell) if cell.isdigit() else cell or None for cell in line.split(",")] for line in downloads.OASIS1]
    downloads.write_sheet(root / "oasis_cross-sectional-5708aa0a98d82080.xlsx", cells)
    found = OASIS1().read(root)
    assert found.rows.equals(rows)
    assert found.tables == ("oasis_cross-sectional-5708aa0a98d82080.xlsx",)


def test_without_its_table_both_names_are_said(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no oasis_cross-sectional\*\.xlsx or oasis_cross-sectional\.csv in"):
        OASIS1().read(tmp_path)


def test_subjects_without_a_rating_are_dropped_unless_they_are_to_count_as_healthy(tmp_path: Path) -> None:
    found = OASIS1().read(downloads.write_oasis1(tmp_path))
    assert found.dropped == {"CDR is blank": 2}
    assert found.missing == ("OAS1_0457_MR1/PROCESSED/MPRAGE/T88_111/OAS1_0457_MR1_mpr_n*_anon_111_t88_masked_gfc.img",)


@pytest.mark.parametrize("suffix", [".img", ".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("plane", "expected"),
    [
        ("axial", VOLUME[:, ::-1, 5].T),
        ("coronal", VOLUME[:, 4, ::-1].T),
        ("sagittal", VOLUME[2, ::-1, ::-1].T),
    ],
)
def test_a_slice_is_shown_as_a_radiologist_sees_it(
    tmp_path: Path, suffix: str, plane: str, expected: np.ndarray[tuple[int, ...], np.dtype[np.int16]]
) -> None:
    root = downloads.write_oasis1(tmp_path, suffix=suffix)
    reader = OASIS1(plane=plane)  # type: ignore[arg-type]
    assert (reader.picture(root, reader.read(root).rows["image"][0]) == expected).all()


def test_the_slice_is_that_of_the_fraction_or_the_index(tmp_path: Path) -> None:
    root = downloads.write_oasis1(tmp_path)
    name = OASIS1().read(root).rows["image"][0]
    for reader, z in (
        (OASIS1(fraction=0), 0),
        (OASIS1(fraction=0.39), 3),
        (OASIS1(fraction=1), 9),
        (OASIS1(index=7), 7),
    ):
        assert (reader.picture(root, name) == VOLUME[:, ::-1, z].T).all()
    with pytest.raises(ImageError, match="10 axial slices, and number 10 is asked for"):
        OASIS1(index=10).picture(root, name)
    for reader in (OASIS1(fraction=1.5), OASIS1(index=-1)):
        with pytest.raises(ConfigurationError, match="Give a fraction from 0 to 1"):
            reader.read(root)


def test_the_whole_head_is_cut_if_it_is_asked_for(tmp_path: Path) -> None:
    root = downloads.write_oasis1(tmp_path)
    reader = OASIS1(brain="whole")
    (name, *_) = reader.read(root).rows["image"]
    assert name.endswith("_t88_gfc.img")
    assert reader.picture(root, name).min() >= 1000


def test_damaged_volumes_are_named_and_the_others_written(tmp_path: Path) -> None:
    root = downloads.write_oasis1(tmp_path / "oasis")
    first, second = OASIS1().read(root).rows["image"][:2]
    (root / first).write_bytes((root / first).read_bytes()[:50])
    prepared = prepare_cohort(OASIS1(), root, tmp_path / "out", allow_missing=True, progress=False)
    assert list(prepared.unreadable) == [first]
    assert [path.suffix for path in (tmp_path / "out").rglob("*_gfc*")] == [".npy"]
    (root / second).with_suffix(".hdr").write_bytes(b"no header")
    with pytest.raises(ImageError, match="OAS1_0003"):
        OASIS1().picture(root, second)


def test_the_true_table_is_as_published(metadata: Path) -> None:
    found = OASIS1().read(metadata / "OASIS-1")
    assert found.counts == OASIS1.about.published == {"sessions": 436, "subjects": 416}
    assert found.dropped == {"CDR is blank": 201}
    assert found.rows["label"].value_counts().to_dict() == {"0": 135, "1": 100}
    assert found.rows["age"].astype(int).min() >= 33
