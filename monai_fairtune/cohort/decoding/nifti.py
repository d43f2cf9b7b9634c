"""NIfTI files of one slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.decoding.scaling import require_size, scale_by_type, scale_measurements, to_channel_first
from monai_fairtune.exceptions import ImageError

__all__ = ["decode_nifti"]


def decode_nifti(path: Path) -> NDArray[np.float32]:
    """Returns the only slice of a NIfTI file: ``(1, H, W)``, or ``(3, H, W)`` for RGB; see ``decode_image``.

    A file that records how the slice lies in the patient is shown as a radiologist sees it, and as the same slice
    looks as DICOM: the patient's left on the right, front or head at the top. NIfTI stores the first axis as columns
    and in any direction, so the array itself looks transposed and mirrored. Where the affine is the identity or
    absent, nothing is recorded, and the array's first axis is taken as rows.
    """
    import nibabel as nib

    image = nib.load(path)
    _require_one_slice(image.shape)
    stored = np.asanyarray(image.dataobj)
    scaled = image.dataobj.slope != 1 or image.dataobj.inter != 0
    colour = stored.dtype.names is not None
    pixels = np.stack([stored[name] for name in stored.dtype.names[:3]], axis=-1) if colour else stored
    slice_ = _only_slice(pixels, stored.shape, _affine(image))
    is_bytes = slice_.dtype == np.uint8 and not scaled
    return to_channel_first(scale_by_type(slice_) if is_bytes else scale_measurements(slice_))


def _require_one_slice(shape: tuple[int, ...]) -> None:
    if len(shape) < 2 or sum(size != 1 for size in shape[:3]) > 2 or any(size != 1 for size in shape[3:]):
        raise ImageError(f"It is a volume of shape {tuple(shape)}. Store the slice to classify as a file of its own.")
    require_size(*sorted(shape[:3])[-2:])


def _affine(image: Any) -> NDArray[np.float64] | None:
    """Returns the affine, or None where the file says nothing about the patient."""
    recorded = int(image.header["qform_code"]) > 0 or int(image.header["sform_code"]) > 0
    affine = np.asarray(image.affine, dtype=np.float64)
    return affine if recorded and not np.array_equal(affine, np.eye(4)) else None


def _only_slice(pixels: NDArray[Any], shape: tuple[int, ...], affine: NDArray[np.float64] | None) -> NDArray[Any]:
    """Returns rows by columns, and colour last if there is any."""
    import nibabel as nib

    colour = pixels.shape[len(shape) :]
    volume = pixels.reshape((*shape[:3], *[1] * (3 - len(shape)), *colour))
    axis = 2 if len(shape) == 2 else _slice_axis(shape)
    if affine is None:
        return np.squeeze(volume, axis=axis)
    turn = nib.orientations.ornt_transform(nib.io_orientation(affine), nib.orientations.axcodes2ornt("LPI"))
    turned = nib.orientations.apply_orientation(volume, turn)
    return np.asarray(np.squeeze(turned, axis=int(turn[axis, 0])).swapaxes(0, 1))


def _slice_axis(shape: tuple[int, ...]) -> int:
    """Returns which axis the slice is thin along: the last of length 1."""
    return max(axis for axis, size in enumerate(shape[:3]) if size == 1)
