"""Choosing the decoder of an image file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.decoding.arrays import decode_array
from monai_fairtune.cohort.decoding.dicom import decode_dicom, is_dicom
from monai_fairtune.cohort.decoding.nifti import decode_nifti
from monai_fairtune.cohort.decoding.pictures import decode_picture
from monai_fairtune.exceptions import ImageError

__all__ = ["ARRAYS", "NIFTI", "PICTURES", "SUFFIXES", "decode_image"]

_MOST_BYTES = 1 << 29

Decoder = Callable[[Path], NDArray[np.float32]]

PICTURES, DICOM = (".png", ".jpg", ".jpeg", ".tif", ".tiff"), (".dcm", ".dicom", ".ima")
NIFTI, ARRAYS = (".nii", ".nii.gz"), (".npy", ".npz")

_DECODERS: Mapping[str, Decoder] = {
    **dict.fromkeys(PICTURES, decode_picture),
    **dict.fromkeys(DICOM, decode_dicom),
    **dict.fromkeys(NIFTI, decode_nifti),
    **dict.fromkeys(ARRAYS, decode_array),
}

SUFFIXES = tuple(_DECODERS)
"""The file endings that can be read; a file without an ending is read if it is DICOM."""


def decode_image(path: str | Path) -> NDArray[np.float32]:
    """Returns an image's pixels in [0, 1], upright, as stored rows by columns.

    The file's ending decides the decoder; when that decoder fails, no other is tried.

    ==================  ==========================================================================================
    format              values, before they are clipped to [0, 1]
    ==================  ==========================================================================================
    PNG, JPEG, TIFF     8 bit / 255, 16 bit / 65535, floating point and 32 bit as measurements; EXIF orientation is
                        applied, palettes are resolved, an alpha channel is dropped
    DICOM               modality rescale, then the first VOI LUT or window, else the smallest value to the largest
                        (padding left out); MONOCHROME1 is inverted; colour as RGB / (2^bits - 1)
    NIfTI               unsigned 8 bit without rescaling / 255, all else as measurements
    NPY, NPZ            unsigned 8 bit / 255, unsigned 16 bit / 65535, all else as measurements
    measurements        the image's 0.5 and 99.5 percentiles become 0 and 1, unless all values lie in [0, 1]
    ==================  ==========================================================================================

    Args:
        path: a file holding one image; of a NIfTI file, one slice.

    Returns:
        Shape ``(C, H, W)``; ``C`` is 1 for grey and 3 for colour. Nothing else of the file is returned: no tags, no
        affine, no text.

    Raises:
        ImageError: naming the file, if it is missing, truncated, of an unknown kind, is too large, holds several
            images, or holds a value that is not finite.
    """
    file = Path(path)
    try:
        _require_moderate(file)
        pixels = _decoder(file)(file)
    except ImageError as error:
        raise ImageError(f"Image '{file.name}' cannot be used. {error}") from error
    except foreign_errors() as error:
        reason = " ".join(str(error).replace(str(file), file.name).split()) or "no reason is given"
        raise ImageError(
            f"Image '{file.name}' cannot be decoded: {type(error).__name__}: {reason[:300]}. "
            "Replace the file, or leave it out of the manifest."
        ) from error
    if pixels.size == 0:
        raise ImageError(f"Image '{file.name}' has shape {pixels.shape}: no pixels. Leave it out of the manifest.")
    return np.ascontiguousarray(pixels, dtype=np.float32)


def _require_moderate(path: Path) -> None:
    n_bytes = path.stat().st_size
    if n_bytes > _MOST_BYTES:
        raise ImageError(
            f"It holds {n_bytes / 1e6:.0f} MB, more than the {_MOST_BYTES / 1e6:.0f} MB allowed. "
            "Give the picture or slice to classify, not a whole slide or volume."
        )


def _decoder(path: Path) -> Decoder:
    name = path.name.lower()
    for suffix, decoder in _DECODERS.items():
        if name.endswith(suffix):
            return decoder
    if is_dicom(path):
        return decode_dicom
    raise ImageError(f"Its ending {path.suffix!r} is none of {', '.join(SUFFIXES)}. Convert it to one of these.")


def foreign_errors() -> tuple[type[Exception], ...]:
    """Everything that Pillow, pydicom, nibabel and NumPy raise on files that are damaged or not what they seem.

    They document none of it: the list is what damaged files were seen to raise.
    """
    import struct
    import zipfile
    import zlib

    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from PIL.Image import DecompressionBombError
    from pydicom.errors import BytesLengthException, InvalidDicomError

    libraries: tuple[Any, ...] = (
        ImageFileError, HeaderDataError, DecompressionBombError, BytesLengthException, InvalidDicomError,
    )  # fmt: skip
    formats = (struct.error, zipfile.BadZipFile, zlib.error)
    python = (
        OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, SyntaxError, RuntimeError,
        NotImplementedError, OverflowError, MemoryError,
    )  # fmt: skip
    return (*libraries, *formats, *python)
