from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import OL3I, prepare_cohort
from monai_fairtune.exceptions import ConfigurationError, ImageError, ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import downloads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ol3i").mkdir()
    return downloads.write_ol3i(tmp_path / "ol3i")


def test_conformance_of_the_reader(root: Path) -> None:
    check_reader(OL3I(), root)


def test_rows_without_a_label_are_dropped_and_splits_are_the_tables(root: Path) -> None:
    found = OL3I().read(root)
    assert found.dropped == {"label_1y is blank": 1}
    assert found.missing == ("f7a8",)
    assert found.rows["label"].tolist() == ["0", "1", "0", "1", "0"]
    assert found.rows["split"].tolist() == ["train", "train", "validation", "test", "test"]
    assert found.rows["sex"].tolist() == ["female", "male", "male", "female", "male"]


def test_the_label_may_be_that_of_five_years_and_splits_may_be_left_open(root: Path) -> None:
    rows = OL3I(label_column="label_5y", split_column="").read(root).rows
    assert rows["label"].tolist() == ["1", "0", "1", "0"]
    assert "split" not in rows


def test_all_slices_are_cut_out_of_one_file(root: Path) -> None:
    assert OL3I().read(root).container == "l3_slices.h5"


def test_a_slice_is_shown_in_the_window_of_soft_tissue(root: Path) -> None:
    levels = [int(OL3I().picture(root, name)[0, 0]) for name in ("a1f3", "b2c4", "c9d0", "d4e5", "e5f6")]
    assert levels == [0, 9830, 26214, 42598, 58982]  # -200, -100, 0, 100, 200 HU between -160 and 240
    assert OL3I(low=-1000, high=1000).picture(root, "a1f3")[0, 0] == 26214
    with pytest.raises(ImageError, match="'zzz' cannot be read"):
        OL3I().picture(root, "zzz")


@pytest.mark.parametrize("name", ["", "/data/file", "../file", "a/../../file"])
def test_a_file_that_is_not_named_from_the_root_is_refused(root: Path, name: str) -> None:
    for reader in (OL3I(table=name), OL3I(slices=name)):
        with pytest.raises(ConfigurationError, match=f"The option (table|slices) is '{name}'. Name a file"):
            reader.read(root)


def test_a_table_is_found_whatever_signs_are_in_its_name(root: Path) -> None:
    (root / "clinical_data.csv").rename(root / "clinical [v2].csv")
    assert OL3I(table="clinical [v2].csv").read(root).tables == ("clinical [v2].csv",)


def test_names_of_another_layout_are_options(tmp_path: Path) -> None:
    downloads.write_lines(
        tmp_path / "table.csv",
        ["file,who,label,gender,years", "img/a.png,1,0,M,50", "img/b.png,2,1,F,60", "img/c.png,3,1,,70"],
    )
    for name in "ab":
        downloads.write_picture(tmp_path / "img" / f"{name}.png")
    reader = OL3I(table="table.csv", image_column="file", id_column="who", label_column="label", split_column="",
                  sex_column="gender", female="F", male="M", age_column="years")  # fmt: skip
    check_reader(reader, tmp_path)
    found = reader.read(tmp_path)
    assert found.picture is None
    assert found.rows["sex"].tolist() == ["male", "female", ""]


def test_columns_that_are_not_there_are_named(root: Path) -> None:
    with pytest.raises(ManifestError, match="no column 'set'; its columns are"):
        OL3I(split_column="set").read(root)


def test_without_h5py_the_error_names_the_command(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monai_fairtune.cohort.packages.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="needs the package h5py"):
        prepare_cohort(OL3I(), root, tmp_path / "out", progress=False)


def test_a_slice_file_that_is_no_hdf5_is_refused(root: Path) -> None:
    (root / "l3_slices.h5").write_bytes(b"not HDF5")
    with pytest.raises(ManifestError, match="should be an HDF5 file"):
        OL3I().read(root)
