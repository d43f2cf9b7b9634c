from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.exceptions import ImageError

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], axis=-1)


def _save(path: Path, pixels: np.ndarray[Any, Any], mode: str | None = None, **options: Any) -> Path:
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "tif", "TIFF"])
def test_grey_pictures_keep_rows_and_columns(tmp_path: Path, ending: str) -> None:
    decoded = decode_image(_save(tmp_path / f"a.{ending}", GREY))
    assert decoded.dtype == np.float32
    assert np.array_equal(decoded, GREY[None].astype(np.float32) / np.float32(255))


def test_colour_pictures_keep_their_channels(tmp_path: Path) -> None:
    decoded = decode_image(_save(tmp_path / "a.png", COLOUR))
    assert np.allclose(decoded, np.moveaxis(COLOUR, -1, 0) / 255)


def test_jpeg_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.jpg", COLOUR, quality=95)
    with Image.open(path) as file:
        assert np.allclose(decode_image(path), np.moveaxis(np.asarray(file), -1, 0) / 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    back = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.T,
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).T,
        8: lambda a: np.rot90(a, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(back[orientation](GREY))
    decoded = decode_image(_save(tmp_path / "a.png", stored, exif=exif))
    assert np.allclose(decoded[0] * 255, GREY)


def test_sixteen_bits_are_not_cut_to_eight(tmp_path: Path) -> None:
    deep = GREY.astype(np.uint16) * 257 + 3
    for name in ("a.png", "a.tif"):
        assert np.allclose(decode_image(_save(tmp_path / name, deep))[0] * 65535, deep, atol=0.01)


def test_sixteen_bit_tiff_in_either_byte_order_is_read(tmp_path: Path) -> None:
    deep = (GREY.astype(np.uint16) * 257 + 3).astype(">u2")
    picture = Image.frombytes("I;16B", (8, 6), deep.tobytes())
    picture.save(tmp_path / "a.tif")
    assert np.allclose(decode_image(tmp_path / "a.tif")[0] * 65535, deep, atol=0.01)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_in_which_zero_is_white_is_inverted(tmp_path: Path, dtype: type) -> None:
    most = np.iinfo(dtype).max
    stored: np.ndarray[Any, Any] = (GREY.astype(np.float64) / 255 * most).astype(dtype)
    decoded = decode_image(_save(tmp_path / "a.tif", stored, tiffinfo={262: 0}))
    raw = (tmp_path / "a.tif").read_bytes()
    shown = most - stored if raw.find(stored.tobytes()) >= 0 else stored
    assert np.allclose(decoded[0], shown / most, atol=1e-4)


def test_a_palette_is_resolved_to_its_colours(tmp_path: Path) -> None:
    palette = Image.fromarray(COLOUR).quantize(16)
    palette.save(tmp_path / "a.png")
    assert np.allclose(decode_image(tmp_path / "a.png"), np.moveaxis(np.asarray(palette.convert("RGB")), -1, 0) / 255)


def test_a_palette_with_transparency_is_resolved_without_a_warning(tmp_path: Path) -> None:
    palette = Image.fromarray(COLOUR).quantize(16)
    palette.save(tmp_path / "a.png", transparency=bytes([0, 128, *[255] * 14]))
    assert np.allclose(decode_image(tmp_path / "a.png"), np.moveaxis(np.asarray(palette.convert("RGB")), -1, 0) / 255)


def test_an_alpha_channel_is_dropped(tmp_path: Path) -> None:
    alpha = np.full((6, 8, 1), 7, dtype=np.uint8)
    decoded = decode_image(_save(tmp_path / "a.png", np.concatenate([COLOUR, alpha], axis=-1)))
    assert np.allclose(decoded, np.moveaxis(COLOUR, -1, 0) / 255)
    grey = Image.merge("LA", (Image.fromarray(GREY), Image.fromarray(alpha[..., 0])))
    grey.save(tmp_path / "b.png")
    assert np.allclose(decode_image(tmp_path / "b.png"), GREY[None] / 255)


def test_black_and_white_is_zero_and_one(tmp_path: Path) -> None:
    decoded = decode_image(_save(tmp_path / "a.png", GREY, mode="1"))
    assert set(np.unique(decoded)) == {0.0, 1.0}


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.tif", COLOUR, mode="CMYK")
    assert np.allclose(decode_image(path), np.moveaxis(COLOUR, -1, 0) / 255, atol=0.01)


def test_floating_point_tiff_is_scaled_by_percentiles_unless_it_lies_between_zero_and_one(tmp_path: Path) -> None:
    unit = GREY.astype(np.float32) / 255
    assert np.array_equal(decode_image(_save(tmp_path / "a.tif", unit))[0], unit)
    decoded = decode_image(_save(tmp_path / "b.tif", unit * 1000 - 500))
    low, high = np.percentile(unit, [0.5, 99.5])
    assert np.allclose(decoded[0], np.clip((unit - low) / (high - low), 0, 1), atol=1e-5)


def test_a_pixel_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    pixels = GREY.astype(np.float32)
    pixels[2, 3] = np.nan
    with pytest.raises(ImageError, match=r"'a.tif' cannot be used. 1 of 48 pixels are NaN or infinite. Repair"):
        decode_image(_save(tmp_path / "a.tif", pixels))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_truncated_picture_is_refused(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = _save(tmp_path / name, noise)
    whole = path.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ImageError, match=f"'{name}' cannot be decoded.*Replace the file") as caught:
            decode_image(path)
        assert str(tmp_path) not in str(caught.value)


def test_several_pictures_in_one_file_are_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(GREY), Image.fromarray(GREY)]
    for name in ("a.tif", "a.png"):
        pages[0].save(tmp_path / name, save_all=True, append_images=[Image.fromarray(255 - GREY)])
        with pytest.raises(ImageError, match="holds 2 pictures"):
            decode_image(tmp_path / name)


def test_the_preview_that_some_cameras_append_is_ignored(tmp_path: Path) -> None:
    picture = Image.fromarray(COLOUR)
    picture.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[Image.fromarray(255 - COLOUR)])
    with Image.open(tmp_path / "a.jpg") as file:
        assert file.format == "MPO"
        expected = np.moveaxis(np.asarray(file), -1, 0) / 255
    assert np.allclose(decode_image(tmp_path / "a.jpg"), expected)


@pytest.mark.parametrize("name", ["a.bmp", "a.txt", "a"])
def test_a_file_of_another_kind_is_refused_with_the_endings_that_work(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"GIF89a" * 100)
    with pytest.raises(ImageError, match=r"is none of \.png, \.jpg, .*\.npz"):
        decode_image(tmp_path / name)


def test_no_other_reader_is_tried_when_the_named_one_fails(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GREY)
    (tmp_path / "a.npy").rename(tmp_path / "a.png")
    with pytest.raises(ImageError, match="UnidentifiedImageError"):
        decode_image(tmp_path / "a.png")
    _save(tmp_path / "b.png", GREY).rename(tmp_path / "b.npy")
    with pytest.raises(ImageError, match=r"'b.npy' cannot be decoded"):
        decode_image(tmp_path / "b.npy")


def test_a_picture_of_another_format_behind_an_allowed_ending_is_refused(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.png")
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode_image(tmp_path / "a.png")


def test_a_file_too_large_for_one_picture_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(ImageError, match="It holds 1074 MB, more than the 537 MB allowed"):
        decode_image(tmp_path / "a.png")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        decode_image(tmp_path / "a.png")
