"""What `prepare_cohort` writes, and what it refuses."""

from __future__ import annotations

import json
import os
import resource
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from monai_fairtune.cohort import Cohort, Preprocessing, check_manifest
from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.readers import HAM10000, About, FoundCohort, PreparedCohort, option, prepare_cohort
from monai_fairtune.cohort.synthetic_files import write_png
from monai_fairtune.exceptions import ConfigurationError, ImageError, ManifestError
from monai_fairtune.subgroups import SensitiveAttribute
from monai_fairtune.testing.tiny_reader import TinyReader, write_tiny_download
from tests.cohort.readers import downloads


@dataclass(frozen=True)
class Cutting:
    """A tiny reader whose images are cut out of its files."""

    how: str = option("ramp", "ramp, fail, fail at 3, interrupt at 3, or alike")
    about: ClassVar[About] = TinyReader.about

    def read(self, root: Path) -> FoundCohort:
        found = replace(TinyReader().read(root), picture=self.cut, container="table.csv")
        names = [name.replace(".png", ".x" if k % 2 else ".png") for k, name in enumerate(found.rows["image"])]
        alike = [f"images/1.{'x' if k % 2 else 'y'}{k // 2}" for k in range(len(names))]
        return replace(found, rows=found.rows.assign(image=alike if self.how == "alike" else names))

    def cut(self, root: Path, name: str) -> NDArray[np.uint16]:
        number = int(Path(name).stem)
        if self.how == "interrupt at 3" and number == 3:
            raise KeyboardInterrupt
        if self.how == "fail" or (self.how == "fail at 3" and number == 3):
            raise ImageError("Image '3' is damaged. Replace it.")
        return np.full((6, 8), 1000 * number, dtype=np.uint16)


def prepare(root: Path, output: Path, reader: Any = None, **how: Any) -> PreparedCohort:
    return prepare_cohort(reader or TinyReader(), root, output, progress=False, **how)


def rows_of(prepared: PreparedCohort) -> pd.DataFrame:
    assert prepared.manifest is not None
    return pd.read_csv(prepared.manifest, dtype=str, keep_default_na=False)


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


def test_a_resized_image_is_what_a_network_would_be_given(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(root / "images/0.png")
    prepared = prepare(root, tmp_path / "out", resize=16)
    assert prepared.data_root == tmp_path / "out"
    assert rows_of(prepared)["image"].tolist()[0] == "images/images/0.png"
    for name, mode in (("0", "RGB"), ("1", "L")):
        with Image.open(tmp_path / "out" / "images" / "images" / f"{name}.png") as image:
            assert (image.mode, image.size) == (mode, (16, 16))
        before, after = (
            Preprocessing(16).decode(folder / "images" / f"{name}.png")
            for folder in (root, tmp_path / "out" / "images")
        )
        assert abs(before - after).max() <= 0.5 / 255 + 1e-6


def test_cut_images_are_written_as_they_are_or_resized(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    assert rows_of(prepare(root, tmp_path / "as_is", Cutting()))["image"].tolist()[1] == "images/images/1.npy"
    assert (np.load(tmp_path / "as_is" / "images" / "images" / "1.npy") == np.full((6, 8), 1000)).all()
    prepare(root, tmp_path / "small", Cutting(), resize=4)
    with Image.open(tmp_path / "small" / "images" / "images" / "7.png") as image:
        assert (np.asarray(image) == np.full((4, 4), round(7000 / 65535 * 255))).all()


def test_a_prepared_cohort_is_read_by_the_package(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny", n=80)
    for output, how in (("a", {}), ("b", {"resize": 8})):
        prepared = prepare(root, tmp_path / output, **how)
        assert prepared.manifest is not None
        attributes = SensitiveAttribute.parse_all("sex")
        cohort = Cohort.from_manifest(prepared.manifest, attributes, data_root=prepared.data_root)
        assert cohort.n == 79


def test_what_was_written_before_an_interruption_is_not_written_again(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    folder = tmp_path / "out" / "images" / "images"
    with pytest.raises(KeyboardInterrupt):
        prepare(root, tmp_path / "out", Cutting("interrupt at 3"))
    made = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert {"0.npy", "1.npy", "2.npy"} <= set(made) <= {f"{k}.npy" for k in range(11)} - {"3.npy"}
    assert not (tmp_path / "out" / "manifest.csv").exists()
    (folder / "1.npy").write_bytes(b"")  # what a loss of power leaves
    (folder / "3.npy.part").write_bytes(b"half")
    record = tmp_path / "out" / "images" / "images.json"
    record.write_text(record.read_text().replace("interrupt at 3", "ramp"))
    prepared = prepare(root, tmp_path / "out", Cutting())
    now = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert set(now) == {f"{k}.npy" for k in range(11)}
    assert all((np.load(folder / f"{k}.npy") == 1000 * k).all() for k in range(11))
    assert {name for name, inode in made.items() if now[name] == inode} == set(made) - {"1.npy"}
    assert len(rows_of(prepared)) == 11


def test_a_file_that_was_half_written_never_has_its_final_name(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(root / "images" / "0.png")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(ConfigurationError, match="cannot be written: File too large"):
            prepare(root, tmp_path / "out", resize=64)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "out" / "images" / "images" / "0.png").exists()
    prepare(root, tmp_path / "out", resize=64)
    with Image.open(tmp_path / "out" / "images" / "images" / "0.png") as image:
        assert np.array_equal(np.asarray(image), noise)


def _written(output: Path, number: int) -> int:
    """Returns which of the written files of one image is there."""
    return (output / "images" / "images" / f"{number}.png").stat().st_ino


def test_an_image_whose_file_has_changed_is_written_again_and_no_other(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepare(root, tmp_path / "out", resize=8)
    before = [_written(tmp_path / "out", k) for k in range(11)]
    write_png(root / "images" / "4.png", np.ones((6, 8)))
    prepare(root, tmp_path / "out", resize=8)
    assert [k for k in range(11) if _written(tmp_path / "out", k) != before[k]] == [4]
    assert (decode_image(tmp_path / "out" / "images" / "images" / "4.png") == 1).all()


def test_images_of_another_root_are_never_taken_for_these_even_if_their_files_are_as_old(tmp_path: Path) -> None:
    first, second = (write_tiny_download(tmp_path / name) for name in ("first", "second"))
    write_png(second / "images" / "4.png", np.random.default_rng(0).random((6, 8)))
    for root in (first, second):
        for image in (root / "images").iterdir():
            os.utime(image, (1_500_000_000, 1_500_000_000))
        prepare(root, tmp_path / "out", resize=8)
    prepare(second, tmp_path / "fresh", resize=8)
    for k in range(11):
        image = Path("images") / "images" / f"{k}.png"
        assert (tmp_path / "out" / image).read_bytes() == (tmp_path / "fresh" / image).read_bytes()


def test_images_cut_out_of_a_file_that_has_changed_are_written_again(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    for wanted in (False, True):
        prepare(root, tmp_path / "out", Cutting(), resize=8)
        before = [_written(tmp_path / "out", k) for k in range(11)]
        if wanted:
            os.utime(root / "table.csv")
        prepare(root, tmp_path / "out", Cutting(), resize=8)
        assert ([_written(tmp_path / "out", k) for k in range(11)] != before) == wanted


def test_a_written_image_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepare(root, tmp_path / "out", resize=8)
    image = tmp_path / "out" / "images" / "images" / "4.png"
    whole = image.read_bytes()
    image.write_bytes(whole[:40])
    prepare(root, tmp_path / "out", resize=8)
    assert image.read_bytes() == whole


def test_images_that_were_made_in_another_way_are_not_taken_for_these(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepare(root, tmp_path / "out", resize=8)
    with pytest.raises(ConfigurationError, match=r"made with .*'resize': 8.* is asked for"):
        prepare(root, tmp_path / "out", resize=16)
    prepare(root, tmp_path / "out", TinyReader(unsure="0"), resize=8)  # a choice of labels changes no pixel
    prepare(root, tmp_path / "cut", Cutting())
    with pytest.raises(ConfigurationError, match="made with"):
        prepare(root, tmp_path / "cut", Cutting("fail at 3"))


def test_where_no_image_was_written_a_corrected_command_goes_on(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    assert prepare(root, tmp_path / "out", Cutting("fail"), allow_missing=True).manifest is None
    assert prepare(root, tmp_path / "out", Cutting()).manifest is not None


def test_images_that_cannot_be_decoded_are_named_and_may_be_left_out(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    (root / "images" / "4.png").write_bytes(b"broken")
    prepared = prepare(root, tmp_path / "out", resize=8)
    assert (list(prepared.unreadable), prepared.manifest) == (["images/4.png"], None)
    assert "Not decoded: 1 file, 'images/4.png'." in prepared.to_text()
    again = prepare(root, tmp_path / "out", resize=8, allow_missing=True)
    assert again.dropped == {"the label is unsure": 1, "the file cannot be decoded": 1}
    assert "images/images/4.png" not in rows_of(again)["image"].tolist()
    assert list(prepare(root, tmp_path / "cut", Cutting("fail at 3")).unreadable) == ["images/3.x"]


def test_why_an_image_cannot_be_decoded_is_said_and_recorded_without_a_path(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    for name in ("4", "5"):
        (root / "images" / f"{name}.png").write_bytes(b"broken")
    prepared = prepare(root, tmp_path / "out", resize=8, allow_missing=True)
    recorded = prepared.to_dict()["unreadable"]
    assert recorded["n"] == 2
    assert recorded["first"][0]["image"] == "images/4.png"
    reason = recorded["first"][0]["reason"]
    assert "cannot be decoded: UnidentifiedImageError" in reason
    assert str(tmp_path) not in json.dumps(recorded)
    said = " ".join(prepared.to_text().split())
    assert f"Not decoded: 2 files, 'images/4.png', 'images/5.png'. Why the first is not decoded: {reason}" in said


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


def test_several_threads_write_the_same_bytes_as_one(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny", n=300)
    prepare(root, tmp_path / "one", resize=8)
    prepare(root, tmp_path / "three", resize=8, n_workers=3)
    for path in (tmp_path / "one").rglob("*.png"):
        assert path.read_bytes() == (tmp_path / "three" / path.relative_to(tmp_path / "one")).read_bytes()
    assert (tmp_path / "one" / "manifest.csv").read_bytes() == (tmp_path / "three" / "manifest.csv").read_bytes()


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


def test_two_images_are_never_written_to_one_file(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    with pytest.raises(ManifestError, match=r"'images/1.y0' and 'images/1.x0' differ in their ending only"):
        prepare(root, tmp_path / "out", Cutting("alike"))


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
