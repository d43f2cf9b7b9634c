from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.exceptions import ImageError

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], axis=-1)


def _npy(path: Path, array: np.ndarray[Any, Any]) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GREY, GREY[None] / 255),
        (GREY[None], GREY[None] / 255),
        (GREY[..., None], GREY[None] / 255),
        (COLOUR, np.moveaxis(COLOUR, -1, 0) / 255),
        (np.moveaxis(COLOUR, -1, 0), np.moveaxis(COLOUR, -1, 0) / 255),
        (np.concatenate([COLOUR, COLOUR[..., :1]], axis=-1), np.moveaxis(COLOUR, -1, 0) / 255),
        (GREY.astype(np.uint16) * 257, GREY[None] / 255),
        (GREY > 100, (GREY > 100)[None]),
        (GREY / 255, GREY[None] / 255),
        ((GREY / 255).astype(np.float16), GREY[None] / 255),
    ],
)
def test_arrays_of_every_layout_and_type_are_read(
    tmp_path: Path, array: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]
) -> None:
    assert np.allclose(decode_image(_npy(tmp_path / "a.npy", array)), expected, atol=1e-3)


def test_hounsfield_units_are_scaled_by_percentiles(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-1000, 2000, (30, 20), dtype=np.int16)
    low, high = np.percentile(values, [0.5, 99.5])
    decoded = decode_image(_npy(tmp_path / "a.npy", values))[0]
    assert np.allclose(decoded, np.clip((values - low) / (high - low), 0, 1), atol=1e-5)


def test_an_archive_may_hold_numbers_and_vectors_beside_its_image(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", rnflt=GREY, age=np.array(70), tds=np.zeros(52))
    assert np.allclose(decode_image(tmp_path / "a.npz"), GREY[None] / 255)


def test_of_several_arrays_the_one_named_image_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", image=GREY, bscans=np.zeros((4, 4, 4)))
    assert np.allclose(decode_image(tmp_path / "a.npz"), GREY[None] / 255)
    np.savez(tmp_path / "b.npz", rnflt=GREY, bscans=np.zeros((4, 4, 4)))
    with pytest.raises(ImageError, match=r"2 arrays of two or more dimensions, \['bscans', 'rnflt'\]. Name the one"):
        decode_image(tmp_path / "b.npz")


@pytest.mark.parametrize("shape", [(5,), (2, 6, 8), (6, 8, 5), (1, 1, 6, 8), ()])
def test_an_array_that_is_not_one_image_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="which is not one image"):
        decode_image(_npy(tmp_path / "a.npy", np.zeros(shape, dtype=np.uint8)))


@pytest.mark.parametrize("array", [np.zeros((6, 8), dtype=complex), np.full((6, 8), "a")])
def test_pixels_that_are_no_real_numbers_are_refused(tmp_path: Path, array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ImageError, match="Store integers or real numbers"):
        decode_image(_npy(tmp_path / "a.npy", array))


def test_code_in_an_array_file_is_never_run(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(ImageError, match=r"'a.npy' cannot be decoded: ValueError"):
        decode_image(tmp_path / "a.npy")


def test_an_image_without_pixels_is_refused(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.float32):
        with pytest.raises(ImageError, match=r"'a.npy'"):
            decode_image(_npy(tmp_path / "a.npy", np.zeros((0, 8), dtype=dtype)))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as stream:
        if name.endswith("npz"):
            np.savez_compressed(stream, image=np.random.default_rng(0).random((20, 20)))
        else:
            np.save(stream, GREY)
    whole = path.read_bytes()
    for kept in (0, 5, 100, len(whole) - 10):
        path.write_bytes(whole[:kept])
        with pytest.raises(ImageError, match=f"'{name}' cannot be decoded"):
            decode_image(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    values = GREY.astype(np.float64)
    values[3, 3] = value
    with pytest.raises(ImageError, match="1 of 48 pixels are NaN or infinite"):
        decode_image(_npy(tmp_path / "a.npy", values))
