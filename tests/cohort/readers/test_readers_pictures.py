"""Images that `prepare_cohort` writes: their pixels, and which of them a later call writes again."""

from __future__ import annotations

import json
import os
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_fairtune.cohort import Preprocessing
from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.cohort.synthetic_files import write_png
from monai_fairtune.exceptions import ConfigurationError, ManifestError
from monai_fairtune.testing.tiny_reader import TinyReader, write_tiny_download
from tests.cohort.readers.tiny import Cutting, prepare, rows_of


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


def test_what_was_written_before_an_interruption_is_not_written_again(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    folder = tmp_path / "out" / "images" / "images"
    (root / "interrupt").touch()
    with pytest.raises(KeyboardInterrupt):
        prepare(root, tmp_path / "out", Cutting())
    made = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert {"0.npy", "1.npy", "2.npy"} <= set(made) <= {f"{k}.npy" for k in range(11)} - {"3.npy"}
    assert not (tmp_path / "out" / "manifest.csv").exists()
    (folder / "1.npy").write_bytes(b"")  # what a loss of power leaves
    (folder / "3.npy.part").write_bytes(b"half")
    (root / "interrupt").unlink()
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


def test_images_of_another_root_are_not_taken_for_these_even_if_their_files_are_as_old_and_as_large(
    tmp_path: Path,
) -> None:
    first, second = (write_tiny_download(tmp_path / name) for name in ("first", "second"))
    sizes = set()
    for root, grey in ((first, 0.25), (second, 0.75)):
        write_png(root / "images" / "4.png", np.full((6, 8), grey))
        sizes.add((root / "images" / "4.png").stat().st_size)
        for image in (root / "images").iterdir():
            os.utime(image, (1_500_000_000, 1_500_000_000))
        prepare(root, tmp_path / "out", resize=8)
    assert len(sizes) == 1
    prepare(second, tmp_path / "fresh", resize=8)
    for k in range(11):
        image = Path("images") / "images" / f"{k}.png"
        assert (tmp_path / "out" / image).read_bytes() == (tmp_path / "fresh" / image).read_bytes()


@pytest.mark.parametrize(
    ("reader", "how"),
    [(TinyReader(), {"resize": 9}), (Cutting("fail at 3"), {"resize": 8}), (Cutting(), {"resize": 9})],
)
def test_images_that_were_made_in_another_way_are_not_taken_for_these_where_they_were_copied(
    tmp_path: Path, reader: TinyReader | Cutting, how: dict[str, int]
) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    wanted = TinyReader() if isinstance(reader, TinyReader) else Cutting()
    prepare(root, tmp_path / "other", reader, allow_missing=True, **how)
    prepare(root, tmp_path / "out", wanted, resize=8)
    whole = (tmp_path / "out" / "images" / "images" / "4.png").read_bytes()
    before = _written(tmp_path / "out", 4)
    shutil.copy2(tmp_path / "other" / "images" / "images" / "4.png", tmp_path / "out" / "images" / "images" / "4.png")
    prepare(root, tmp_path / "out", wanted, resize=8)
    assert _written(tmp_path / "out", 4) != before
    assert (tmp_path / "out" / "images" / "images" / "4.png").read_bytes() == whole


def test_an_image_is_not_taken_for_another_one_of_the_same_file(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    prepare(root, tmp_path / "out", Cutting())
    images = tmp_path / "out" / "images" / "images"
    shutil.copy2(images / "4.npy", images / "5.npy")
    prepare(root, tmp_path / "out", Cutting())
    assert (np.load(images / "5.npy") == 5000).all()


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


def test_where_times_cannot_be_set_images_are_written_whole_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    root = write_tiny_download(tmp_path / "tiny")
    prepare(root, tmp_path / "whole", resize=8)
    monkeypatch.setattr(os, "utime", refuse)
    for _ in range(2):
        before = (tmp_path / "out" / "images").exists() and _written(tmp_path / "out", 4)
        assert len(rows_of(prepare(root, tmp_path / "out", resize=8))) == 11
        assert _written(tmp_path / "out", 4) != before
    image = Path("images") / "images" / "4.png"
    assert (tmp_path / "out" / image).read_bytes() == (tmp_path / "whole" / image).read_bytes()


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


def test_several_threads_write_the_same_bytes_as_one(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny", n=300)
    prepare(root, tmp_path / "one", resize=8)
    prepare(root, tmp_path / "three", resize=8, n_workers=3)
    for path in (tmp_path / "one").rglob("*.png"):
        assert path.read_bytes() == (tmp_path / "three" / path.relative_to(tmp_path / "one")).read_bytes()
    assert (tmp_path / "one" / "manifest.csv").read_bytes() == (tmp_path / "three" / "manifest.csv").read_bytes()


def test_two_images_are_never_written_to_one_file(tmp_path: Path) -> None:
    root = write_tiny_download(tmp_path / "tiny")
    with pytest.raises(ManifestError, match=r"'images/1.y0' and 'images/1.x0' differ in their ending only"):
        prepare(root, tmp_path / "out", Cutting("alike"))
