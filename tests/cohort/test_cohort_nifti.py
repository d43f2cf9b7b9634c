from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from monai_fairtune.cohort.decoding import decode_image
from monai_fairtune.exceptions import ImageError

Pixels = np.ndarray[Any, Any]
SHOWN = np.arange(48, dtype=np.float32).reshape(6, 8) / 47
"""As a radiologist sees the slice: rows by columns."""
MILLIMETRES = np.diag([0.5, 0.5, 3.0, 1.0])


def _save(path: Path, pixels: Pixels, affine: Pixels | None) -> Path:
    nib.save(nib.Nifti1Image(pixels, affine), path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("affine", [None, np.eye(4)])
@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 1), (6, 8, 1, 1)])
def test_without_a_recorded_position_the_first_axis_is_rows(
    tmp_path: Path, name: str, affine: Pixels | None, shape: tuple[int, ...]
) -> None:
    path = _save(tmp_path / name, SHOWN.reshape(shape), affine)
    assert np.array_equal(decode_image(path), SHOWN[None])


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 1)])
def test_an_axial_slice_has_front_at_the_top_and_the_patients_left_on_the_right(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    ras = SHOWN.T[::-1, ::-1]  # columns towards the right hand, rows towards the front
    assert np.array_equal(decode_image(_save(tmp_path / "a.nii", ras.reshape(shape), MILLIMETRES))[0], SHOWN)


def test_the_direction_of_storage_changes_nothing(tmp_path: Path) -> None:
    lps = _save(tmp_path / "a.nii", SHOWN.T[..., None], np.diag([-0.5, -0.5, 3.0, 1.0]))
    assert np.array_equal(decode_image(lps)[0], SHOWN)
    rows_first = MILLIMETRES[:, [1, 0, 2, 3]]
    transposed = _save(tmp_path / "b.nii", SHOWN[::-1, ::-1, None], rows_first)
    assert np.array_equal(decode_image(transposed)[0], SHOWN)


def test_a_coronal_slice_has_the_head_at_the_top(tmp_path: Path) -> None:
    stored = SHOWN.T[::-1, ::-1][:, None, :]
    assert np.array_equal(decode_image(_save(tmp_path / "a.nii", stored, MILLIMETRES))[0], SHOWN)


def test_a_sagittal_slice_has_the_head_at_the_top_and_the_front_on_the_left(tmp_path: Path) -> None:
    stored = SHOWN.T[::-1, ::-1][None]
    assert np.array_equal(decode_image(_save(tmp_path / "a.nii", stored, MILLIMETRES))[0], SHOWN)


def test_real_numbers_are_scaled_by_percentiles(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(100, 40, (30, 20)).astype(np.float32)
    low, high = np.percentile(values, [0.5, 99.5])
    decoded = decode_image(_save(tmp_path / "a.nii.gz", values, None))[0]
    assert np.allclose(decoded, np.clip((values - low) / (high - low), 0, 1), atol=1e-5)


def test_a_few_extreme_pixels_do_not_decide_the_range(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(100, 40, (30, 20)).astype(np.float32)
    calm = decode_image(_save(tmp_path / "a.nii", values, None))
    values[0, 0] = 1e6
    assert np.abs(decode_image(_save(tmp_path / "b.nii", values, None)) - calm)[0, 1:].max() < 0.1


def test_stored_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    image = nib.Nifti1Image((SHOWN * 200).astype(np.int16), None)
    image.header.set_slope_inter(0.005, 0)
    nib.save(image, tmp_path / "a.nii")
    assert decode_image(tmp_path / "a.nii").max() == pytest.approx(1.0, abs=0.01)


def test_bytes_are_divided_by_255_unless_they_stand_for_other_numbers(tmp_path: Path) -> None:
    stored = np.arange(48, dtype=np.uint8).reshape(6, 8)
    assert np.allclose(decode_image(_save(tmp_path / "a.nii", stored, None))[0], stored / 255)
    image = nib.Nifti1Image(stored, None)
    image.header.set_slope_inter(10, 3)
    nib.save(image, tmp_path / "b.nii")
    assert decode_image(tmp_path / "b.nii").max() == 1


def test_colour_is_read(tmp_path: Path) -> None:
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    rgb = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    stored = rgb.view(kind).reshape(6, 8, 1)
    nib.save(nib.Nifti1Image(stored, None), tmp_path / "a.nii")
    assert np.allclose(decode_image(tmp_path / "a.nii"), np.moveaxis(rgb, -1, 0) / 255)


def test_an_image_of_one_value_is_black(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.nii", np.full((6, 8), 7.0, dtype=np.float32), None)
    assert (decode_image(path) == 0).all()


@pytest.mark.parametrize("shape", [(6, 8, 2), (6, 8, 1, 3), (6, 8, 3)])
def test_a_volume_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = _save(tmp_path / "a.nii.gz", np.zeros(shape, dtype=np.float32), np.eye(4))
    with pytest.raises(ImageError, match=r"volume of shape \(6, 8, .*Store the slice to classify"):
        decode_image(path)


def test_a_header_that_asks_for_any_memory_is_refused_before_it_gets_it(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.nii", SHOWN, None)
    content = bytearray(path.read_bytes())
    content[42:46] = np.array([32000, 32000], dtype="<i2").tobytes()
    path.write_bytes(content)
    with pytest.raises(ImageError, match="32000 x 32000 pixels, more than the"):
        decode_image(path)


def test_a_pixel_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    values = SHOWN.copy()
    values[0, 0] = np.inf
    with pytest.raises(ImageError, match="1 of 48 pixels are NaN or infinite"):
        decode_image(_save(tmp_path / "a.nii", values, None))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str) -> None:
    path = _save(tmp_path / name, np.random.default_rng(0).random((40, 40)), None)
    whole = path.read_bytes()
    for kept in (0, 60, 400, len(whole) - 100):
        path.write_bytes(whole[:kept])
        with pytest.raises(ImageError, match=f"'{name}' cannot be decoded"):
            decode_image(path)
