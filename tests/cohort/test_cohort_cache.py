from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from monai_fairtune.cohort import CachedImages, Cohort, Preprocessing, cache, cache_images
from monai_fairtune.exceptions import ConfigurationError, ImageError, SplitError
from monai_fairtune.subgroups import SensitiveAttribute

Write = Callable[..., Path]
Rows = Callable[..., list[dict[str, object]]]
SEX = SensitiveAttribute.parse_all("sex")
SMALL = Preprocessing(8)


@pytest.fixture
def manifest(write_manifest: Write, rows: Rows) -> Path:
    return write_manifest(rows(30, 2))


def _cache(manifest: Path, folder: Path, preprocessing: Preprocessing = SMALL) -> CachedImages:
    return cache_images(Cohort.from_manifest(manifest, SEX), preprocessing, folder, progress=False)


def test_the_cache_holds_every_image_in_the_cohorts_order(manifest: Path, tmp_path: Path) -> None:
    cohort = Cohort.from_manifest(manifest, SEX)
    cached = cache_images(cohort, SMALL, tmp_path / "cache", progress=False)
    assert cached.array.shape == (60, 3, 8, 8)
    assert cached.array.dtype == np.float16
    assert len(cached) == 60
    for row in (0, 7, 59):
        assert np.array_equal(cached.array[row], SMALL.decode(cohort.images[row]).numpy().astype(np.float16))
    assert isinstance(cached.array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        cached.array[0] = 0


def test_a_second_call_maps_the_file_and_decodes_nothing(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _cache(manifest, tmp_path / "cache")
    before = first.path.stat()
    monkeypatch.setattr(Preprocessing, "decode", lambda *_: pytest.fail("an image was decoded again"))
    second = _cache(manifest, tmp_path / "cache")
    assert (first.decoded, second.decoded) == (True, False)
    assert second.key == first.key
    assert np.array_equal(second.array, first.array)
    assert second.path.stat().st_mtime_ns == before.st_mtime_ns


def test_two_caches_of_one_cohort_are_equal_to_the_byte(manifest: Path, tmp_path: Path) -> None:
    first, second = _cache(manifest, tmp_path / "a"), _cache(manifest, tmp_path / "b")
    assert first.path.name == second.path.name
    assert first.path.read_bytes() == second.path.read_bytes()


def test_a_changed_image_or_preprocessing_is_another_cache(manifest: Path, tmp_path: Path) -> None:
    keys = [_cache(manifest, tmp_path / "c").key, _cache(manifest, tmp_path / "c", Preprocessing(8, 1)).key]
    image = tmp_path / "images/000_0.png"
    image.write_bytes((tmp_path / "images/000_1.png").read_bytes() + b"\0")
    keys.append(_cache(manifest, tmp_path / "c").key)
    assert len(set(keys)) == 3


def test_another_version_of_a_decoder_is_another_cache(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = _cache(manifest, tmp_path / "c").key
    monkeypatch.setattr("monai_fairtune.cohort.cache.version", lambda name: "0")
    assert _cache(manifest, tmp_path / "c").key != key


def _flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        _flip_a_byte,
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: path.with_suffix(".json").unlink(),
        lambda path: path.with_suffix(".json").write_text("{broken"),
        lambda path: path.with_suffix(".json").write_text("[]"),
    ],
    ids=["flipped", "truncated", "emptied", "removed", "unsealed", "broken seal", "wrong seal"],
)
def test_fault_a_damaged_cache_is_found_and_rebuilt(
    manifest: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    first = _cache(manifest, tmp_path / "cache")
    expected = np.array(first.array)
    path = first.path
    del first
    damage(path)
    again = _cache(manifest, tmp_path / "cache")
    assert again.decoded
    assert np.array_equal(again.array, expected)
    assert not _cache(manifest, tmp_path / "cache").decoded


def test_fault_unreadable_images_are_all_named_in_one_error_and_nothing_is_left(manifest: Path, tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"images/{number:03}_1.png").write_bytes(bytes([number]) * 30)
    with pytest.raises(
        ImageError,
        match=r"7 of 60 images cannot be read: 'images/000_1.png', .*'images/004_1.png' and 2 more\. "
        r"The first, 'images/000_1.png': .*cannot be decoded.*leave their rows out",
    ) as caught:
        _cache(manifest, tmp_path / "cache")
    assert str(tmp_path) not in str(caught.value)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_fault_a_build_that_is_interrupted_leaves_no_cache(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            _cache(manifest, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.npy*"))
    assert _cache(manifest, tmp_path / "cache").decoded


def test_fault_a_folder_that_cannot_be_written_is_refused(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="Give a folder that can be written, with 0 MB of room"):
        _cache(manifest, tmp_path / "file" / "cache")


def test_a_cache_in_a_folder_that_cannot_be_written_is_still_used(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cache(manifest, tmp_path / "cache")
    monkeypatch.setattr(cache, "FileLock", lambda _: pytest.fail("the folder was written to"))
    assert not _cache(manifest, tmp_path / "cache").decoded


def test_of_several_askers_one_decodes(manifest: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: _cache(manifest, tmp_path / "cache"), range(4)))
    assert sum(cached.decoded for cached in found) == 1
    assert len({cached.key for cached in found}) == 1


def test_the_cache_holds_no_names(manifest: Path, tmp_path: Path) -> None:
    cached = _cache(manifest, tmp_path / "cache")
    seal = cached.path.with_suffix(".json").read_text()
    assert set(json.loads(seal)) == {"key", "size", "sha256", "versions", "preprocessing"}
    for file in (tmp_path / "cache").iterdir():
        assert b"images/" not in file.read_bytes()
        assert b"p000" not in file.read_bytes()


def test_a_file_in_two_splits_is_refused_before_anything_trains(manifest: Path, tmp_path: Path) -> None:
    cohort = Cohort.from_manifest(manifest, SEX)
    train, test = (cohort.images[cohort.indices(split)[0]] for split in ("train", "test"))
    test.write_bytes(train.read_bytes())
    with pytest.raises(SplitError, match="1 image files occur in more than one split under several names"):
        cache_images(cohort, SMALL, tmp_path / "cache", progress=False)


def test_progress_is_drawn_on_standard_error_only(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache_images(Cohort.from_manifest(manifest, SEX), SMALL, tmp_path / "cache")
    out, err = capsys.readouterr()
    assert out == ""
    assert "Decoding images" in err
