from __future__ import annotations

from pathlib import Path

import pytest

from monai_fairtune.cohort.readers import HAM10000, prepare_cohort
from monai_fairtune.exceptions import ManifestError
from monai_fairtune.testing.readers import check_reader
from tests.cohort.readers import downloads


@pytest.mark.parametrize("bcc", ["malignant", "benign"])
def test_conformance_of_the_reader(tmp_path: Path, bcc: str) -> None:
    check_reader(HAM10000(bcc), downloads.write_ham10000(tmp_path))  # type: ignore[arg-type]


def test_each_row_has_its_label_lesion_sex_and_age(tmp_path: Path) -> None:
    rows = HAM10000().read(downloads.write_ham10000(tmp_path)).rows.set_index("label_name")
    assert rows["label"].to_dict() | {"nv": "0"} == {"bkl": "0", "bcc": "1", "mel": "1", "akiec": "1", "nv": "0"}
    assert rows["patient_id"].tolist()[:3] == ["HAM_0000118", "HAM_0000118", "HAM_0002761"]
    assert rows["sex"].tolist() == ["male", "male", "female", "female", "", "male", "female", "male"]
    assert rows["age"].tolist() == ["80", "80", "60", "55", "85", "", "", "50"]
    assert rows["localization"].iloc[-1] == "lower extremity"


def test_basal_cell_carcinoma_is_malignant_unless_it_is_asked_to_be_counted_as_medfair_does(tmp_path: Path) -> None:
    root = downloads.write_ham10000(tmp_path)
    labels = [HAM10000(bcc).read(root).rows["label"].astype(int).sum() for bcc in ("malignant", "benign")]
    assert labels == [3, 2]


def test_age_zero_is_missing_unless_it_is_asked_to_be_an_age(tmp_path: Path) -> None:
    root = downloads.write_ham10000(tmp_path)
    assert HAM10000(age_zero="missing").read(root).rows["age"].tolist()[5:7] == ["", ""]
    assert HAM10000(age_zero="years").read(root).rows["age"].tolist()[5:7] == ["0", ""]


def test_images_are_found_in_one_folder_or_two(tmp_path: Path) -> None:
    found = HAM10000().read(downloads.write_ham10000(tmp_path))
    assert {name.split("/")[0] for name in found.rows["image"][:7]} == {
        "HAM10000_images_part_1",
        "HAM10000_images_part_2",
    }
    assert found.missing == ("ISIC_0031023.jpg",)


@pytest.mark.parametrize("table", ["HAM10000_metadata", "HAM10000_metadata.csv", "unpacked/HAM10000_metadata"])
def test_the_table_may_have_an_ending_and_lie_in_a_folder(tmp_path: Path, table: str) -> None:
    found = HAM10000().read(downloads.write_ham10000(tmp_path, table=table))
    assert found.tables == (table,)


@pytest.mark.parametrize("ending", ["tab", "txt"])
def test_the_table_with_tabs_that_dataverse_delivers_is_the_same(tmp_path: Path, ending: str) -> None:
    root = downloads.write_ham10000(tmp_path, table=f"HAM10000_metadata.{ending}")
    with_commas = HAM10000().read(root)
    lines = ['"{}"'.format('"\t"'.join(line.split(","))) for line in downloads.HAM10000]
    downloads.write_lines(root / with_commas.tables[0], lines)
    assert HAM10000().read(root).rows.equals(with_commas.rows)


def test_the_column_dataset_of_newer_releases_changes_nothing(tmp_path: Path) -> None:
    lines = [f"{line},{'dataset' if line.startswith('lesion') else 'vidir_modern'}" for line in downloads.HAM10000]
    old = HAM10000().read(downloads.write_ham10000(tmp_path / "old"))
    new = HAM10000().read(downloads.write_ham10000(tmp_path / "new", lines=lines))
    assert new.rows.equals(old.rows)


def test_files_without_a_row_are_listed_and_what_macos_adds_is_not(tmp_path: Path) -> None:
    root = downloads.write_ham10000(tmp_path)
    copies = ["again/ISIC_0027419.jpg", "ISIC2018_Task3_Test_Images/ISIC_0034524.JPG"]
    downloads.touch(root, [*copies, "again/._ISIC_0027419.jpg", "__MACOSX/ISIC_0027419.jpg", "notes.txt"])
    found = HAM10000().read(root)
    assert found.surplus == ("ISIC2018_Task3_Test_Images/ISIC_0034524.JPG", "again/ISIC_0027419.jpg")
    assert found.rows["image"].iloc[0] == "HAM10000_images_part_1/ISIC_0027419.jpg"


def test_an_unknown_diagnosis_sex_or_age_is_refused(tmp_path: Path) -> None:
    for number, (old, new, message) in enumerate(
        [
            ("mel,", "scc,", "'dx' holds \\['scc'\\] in 1 of 8"),
            (",male,", ",M,", "'sex' holds"),
            (",60.0,", ",old,", "ages"),
        ]
    ):
        lines = [line.replace(old, new) for line in downloads.HAM10000]
        with pytest.raises(ManifestError, match=message):
            HAM10000().read(downloads.write_ham10000(tmp_path / str(number), lines=lines))


def test_a_folder_without_the_table_or_with_another_one_is_refused(tmp_path: Path) -> None:
    downloads.touch(tmp_path, ["a/b/c/HAM10000_metadata", "x.jpg"])
    with pytest.raises(ManifestError, match=r"no HAM10000_metadata.csv or .* it holds \['a', 'x.jpg'\]"):
        HAM10000().read(tmp_path)
    with pytest.raises(ManifestError, match="not a folder"):
        HAM10000().read(tmp_path / "absent")
    downloads.write_lines(tmp_path / "HAM10000_metadata", ["image_id,dx", "a,nv"])
    with pytest.raises(ManifestError, match="no column 'lesion_id' and no column 'dx_type'"):
        HAM10000().read(tmp_path)


def test_the_true_table_is_as_published(metadata: Path) -> None:
    found = HAM10000().read(metadata / "HAM10000")
    assert found.counts == HAM10000.about.published == {"images": 10015, "lesions": 7470}
    assert len(found.missing) == found.n_read == 10015
    assert (found.rows["label"] == "1").sum() == 327 + 1113 + 514
    assert ((found.rows["sex"] == "").sum(), (found.rows["age"] == "").sum()) == (57, 57 + 39)
    assert (HAM10000(bcc="benign").read(metadata / "HAM10000").rows["label"] == "1").sum() == 327 + 1113


def test_true_images_are_prepared(shared: Path, metadata: Path, tmp_path: Path) -> None:
    (tmp_path / "root" / "images").mkdir(parents=True)
    (tmp_path / "root" / "HAM10000_metadata").write_bytes((metadata / "HAM10000/HAM10000_metadata.csv").read_bytes())
    for image in sorted((shared / "data" / "ham10000" / "images").iterdir())[:30]:
        (tmp_path / "root" / "images" / image.name).write_bytes(image.read_bytes())
    prepared = prepare_cohort(
        HAM10000(), tmp_path / "root", tmp_path / "out", resize=64, allow_missing=True, progress=False
    )
    assert (len(prepared.rows), prepared.unreadable, prepared.mismatches) == (30, {}, {})
    assert prepared.dropped == {"the file is missing": 10015 - 30}
    assert len(list((tmp_path / "out" / "images" / "images").glob("ISIC_*.png"))) == 30
