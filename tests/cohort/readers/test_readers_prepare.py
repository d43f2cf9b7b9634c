"""What `prepare_cohort` writes, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from monai_fairtune.cohort import Cohort, check_manifest
from monai_fairtune.cohort.manifest import read_manifest
from monai_fairtune.cohort.readers import HAM10000
from monai_fairtune.exceptions import ConfigurationError, ManifestError
from monai_fairtune.subgroups import SensitiveAttribute
from monai_fairtune.testing.tiny_reader import TinyReader, write_tiny_download
from tests.cohort.readers import downloads
from tests.cohort.readers.tiny import prepare, rows_of


def test_the_manifest_names_the_downloads_own_files(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepared = prepare(root, tmp_path / "out")
    assert prepared.data_root == root
    rows = rows_of(prepared)
    assert rows.columns.tolist() == ["image", "label", "label_name", "patient_id", "sex"]
    assert rows.iloc[3].tolist() == ["images/3.png", "1", "bright", "p1", "male"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".lock") == [
        "manifest.csv",
        "prepared.json",
    ]


def test_the_record_says_what_was_chosen_dropped_and_counted(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny", n_missing=2)
    (root / "images" / "extra.png").touch()
    prepared = prepare(root, tmp_path / "out", allow_missing=True)
    record = json.loads((tmp_path / "out" / "prepared.json").read_text())
    assert record == prepared.to_dict()
    assert record["reader"] == "tiny"
    assert record["options"] == {"unsure": "drop"}
    assert record["dropped"] == {"the label is unsure": 1, "the file is missing": 2}
    assert (record["n_read"], record["n"], record["n_patients"], record["n_positive"]) == (12, 9, 5, 4)
    assert record["not_recorded"] == {"sex": 3}
    assert record["missing"] == {"n": 2, "first": ["images/0.png", "images/1.png"]}
    assert record["surplus"] == {"n": 1, "first": ["images/extra.png"]}
    assert record["counts"] == record["published"] == {"images": 12}
    assert record["about"]["licence"].startswith("none")
    assert list(record["tables"]) == ["table.csv"]
    assert len(record["tables"]["table.csv"]) == 64
    assert str(tmp_path) not in json.dumps(record)


def test_choices_reach_the_rows_and_the_record(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepared = prepare(root, tmp_path / "out", TinyReader(unsure="1"))
    assert rows_of(prepared)["label"].tolist()[-1] == "1"
    assert prepared.to_dict()["options"] == {"unsure": "1"}
    assert "Choice: unsure = 1 (the label of images that" in prepared.to_text()


def test_without_permission_missing_images_leave_no_manifest(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny", n_missing=1)
    prepared = prepare(root, tmp_path / "out")
    assert prepared.manifest is None
    assert not (tmp_path / "out").exists()
    assert "12 images named, 10 of them kept" in prepared.to_text()
    assert "Missing: 1 file, 'images/0.png'." in prepared.to_text()
    assert "Next:" not in prepared.to_text()


@pytest.mark.parametrize("damage", [b"broken", None])
def test_without_permission_a_manifest_of_an_earlier_call_does_not_stay(tmp_path: Path, damage: bytes | None) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepare(root, tmp_path / "out", resize=8)
    if damage is None:
        (root / "images" / "4.png").unlink()
    else:
        (root / "images" / "4.png").write_bytes(damage)
        (tmp_path / "out" / "images" / "images" / "4.png").unlink()
    assert prepare(root, tmp_path / "out", resize=8).manifest is None
    assert not {"manifest.csv", "prepared.json"} & {path.name for path in (tmp_path / "out").iterdir()}
    assert prepare(root, tmp_path / "out", resize=8, allow_missing=True).manifest is not None


def test_counts_that_are_not_as_published_are_told_with_both_numbers(tmp_path: Path) -> None:
    prepared = prepare(write_tiny_download(tmp_path / "tiny", n=8), tmp_path / "out")
    assert prepared.mismatches == {"images": (8, 12)}
    assert "Not as published: 8 images found, 12 published." in prepared.to_text()
    assert prepared.manifest is not None


def test_a_record_is_of_the_manifest_that_was_written_with_it_and_of_no_other_file_beside(tmp_path: Path) -> None:
    manifest = prepare(write_tiny_download(tmp_path / "tiny"), tmp_path / "out").manifest
    assert manifest is not None
    prepared = read_manifest(manifest).prepared
    assert prepared is not None
    assert prepared["reader"] == "tiny"
    other = manifest.with_name("own.csv")
    for changed in (other, manifest):
        changed.write_text(manifest.read_text().replace("female", "woman"))
        assert read_manifest(changed).prepared is None


def test_a_prepared_cohort_is_read_by_the_package(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny", n=80)
    for output, how in (("a", {}), ("b", {"resize": 8})):
        prepared = prepare(root, tmp_path / output, **how)
        assert prepared.manifest is not None
        attributes = SensitiveAttribute.parse_all("sex")
        cohort = Cohort.from_manifest(prepared.manifest, attributes, data_root=prepared.data_root)
        assert cohort.n == 79


@pytest.mark.parametrize("damage", ["missing", "undecodable", "no rows"])
def test_a_manifest_without_rows_is_not_written_and_an_earlier_one_does_not_stay(tmp_path: Path, damage: str) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepare(root, tmp_path / "out", resize=8)
    shutil.rmtree(tmp_path / "out" / "images" / "images")
    for image in (root / "images").iterdir():
        image.write_bytes(b"broken")
        if damage == "missing":
            image.unlink()
    if damage == "no rows":
        table = root / "table.csv"
        table.write_text(table.read_text().splitlines()[0] + "\n")
    assert prepare(root, tmp_path / "out", resize=8, allow_missing=True).manifest is None
    assert not {"manifest.csv", "prepared.json"} & {path.name for path in (tmp_path / "out").iterdir()}


def test_a_row_that_repeats_another_is_left_out_and_counted(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    table = root / "table.csv"
    table.write_text(table.read_text() + "3,1,p1,m\n3,1,p1,m\n")
    prepared = prepare(root, tmp_path / "out")
    assert prepared.dropped == {"the label is unsure": 1, "another row says the same": 2}
    assert rows_of(prepared)["image"].is_unique


def test_rows_of_one_image_that_differ_are_refused(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    table = root / "table.csv"
    table.write_text(table.read_text() + "3,0,p1,m\n4,0,p2,f\n")
    with pytest.raises(ManifestError, match=r"2 images have rows that differ: 'images/3.png', 'images/4.png'\. Keep"):
        prepare(root, tmp_path / "out")


def _link_images(root: Path, store: Path) -> None:
    """Puts links in the place of images, to files whose names do not say the format."""
    store.mkdir()
    for image in (root / "images").iterdir():
        image.symlink_to(image.rename(store / image.stem))


def test_links_to_images_within_the_download_are_images_for_every_command(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny", n=40)
    _link_images(root, root / ".store")
    prepared = prepare(root, tmp_path / "out")
    assert prepared.manifest is not None
    found = check_manifest(prepared.manifest, SensitiveAttribute.parse_all("sex"), data_root=prepared.data_root)
    assert found.looked is not None
    assert (found.cohort.n, found.looked.unreadable) == (39, ())


def test_links_that_lead_out_of_the_download_are_refused_unless_images_are_written(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    _link_images(root, tmp_path / "store")
    with pytest.raises(ManifestError, match=r"11 images lie outside the data root .*'images/0\.png'.*--resize does"):
        prepare(root, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.csv").exists()
    assert len(rows_of(prepare(root, tmp_path / "out", resize=8))) == 11


def test_where_images_are_missing_links_to_folders_are_said_not_to_be_followed(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    (root / "images").rename(tmp_path / "elsewhere")
    (root / "images").symlink_to(tmp_path / "elsewhere")
    prepared = prepare(root, tmp_path / "out")
    assert prepared.linked_folders == ("images",)
    assert prepared.to_dict()["linked_folders"] == {"n": 1, "first": ["images"]}
    assert "Links to folders are not followed: 'images'. Put the folders in their place." in prepared.to_text()


@pytest.mark.parametrize("output", ["tiny", "tiny/out", "tiny/../tiny/images"])
def test_nothing_is_written_into_the_download(tmp_path: Path, output: str) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    with pytest.raises(ConfigurationError, match="is in the root"):
        prepare(root, tmp_path / output)


def test_a_manifest_of_other_origin_is_not_overwritten_and_an_earlier_one_is(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "manifest.csv").write_text("image,label\n")
    with pytest.raises(ConfigurationError, match="not prepared by this command"):
        prepare(root, tmp_path / "own")
    for unsure, n in (("drop", 11), ("1", 12)):
        assert len(rows_of(prepare(root, tmp_path / "out", TinyReader(unsure)))) == n  # type: ignore[arg-type]


@pytest.mark.parametrize("damaged", ["", "[]", '{"schema": 1'])
def test_where_the_record_is_damaged_it_is_said_what_to_delete_and_then_the_same_command_works(
    tmp_path: Path, damaged: str
) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepare(root, tmp_path / "out")
    (tmp_path / "out" / "prepared.json").write_text(damaged)
    with pytest.raises(ConfigurationError, match=r"prepared.json' is damaged.* Delete it and the manifest.csv beside"):
        prepare(root, tmp_path / "out")
    for name in ("prepared.json", "manifest.csv"):
        (tmp_path / "out" / name).unlink()
    assert prepare(root, tmp_path / "out").manifest is not None


def test_the_manifest_of_another_dataset_is_not_overwritten(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    manifest = prepare(root, tmp_path / "out").manifest
    assert manifest is not None
    before = manifest.read_bytes()
    with pytest.raises(ConfigurationError, match="holds the manifest of 'tiny', and 'ham10000' is to be prepared"):
        prepare(downloads.write_ham10000(tmp_path / "ham"), tmp_path / "out", HAM10000())
    assert manifest.read_bytes() == before


def test_a_folder_that_is_in_use_or_cannot_be_written_is_refused(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".prepare.lock"), pytest.raises(ConfigurationError, match="Another process"):
        prepare(root, tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be written: Not a directory"):
        prepare(root, tmp_path / "file" / "out")


@pytest.mark.parametrize("how", [{"resize": 0}, {"resize": 5000}, {"n_workers": 0}, {"n_workers": -3}])
def test_a_number_that_cannot_be_used_is_refused_before_anything_is_written(
    tmp_path: Path, how: dict[str, int]
) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    ((name, value),) = how.items()
    with pytest.raises(ConfigurationError, match=f"{name} is {value}\\. Give"):
        prepare(root, tmp_path / "out", **how)
    assert not (tmp_path / "out").exists()
