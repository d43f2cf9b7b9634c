"""DICOM files: one frame of each."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from monai_fairtune.cohort.decoding.scaling import require_size, scale_by_range, to_channel_first
from monai_fairtune.exceptions import ImageError

__all__ = ["COLOUR", "GREY", "decode_dicom", "is_dicom"]

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
"""The photometric interpretations that are decoded."""

_LOOKUP_TABLES = tuple(
    f"{prefix}{colour}PaletteColorLookupTable{suffix}"
    for colour in ("Red", "Green", "Blue")
    for prefix, suffix in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
)
_ELEMENTS = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData", "FloatPixelData",
    "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence",
    "WindowCenter", "WindowWidth", "VOILUTFunction", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", *_LOOKUP_TABLES,
)  # fmt: skip
"""All that is parsed: what is never read can neither leak nor, when malformed, be quoted by a warning."""


def decode_dicom(path: Path, frame: int | None = None) -> NDArray[np.float32]:
    """Returns a frame as it should be displayed: ``(1, H, W)``, or ``(3, H, W)`` for colour; see ``decode_image``.

    Compressed transfer syntaxes are decoded by pydicom's plug-ins. Of all elements only those of the pixels are used.

    Args:
        path: of the file.
        frame: the number of the frame, from 1; with None, a file of several frames is refused.
    """
    from pydicom import dcmread

    # From memory: given a path, pydicom writes it into its log.
    dataset = dcmread(BytesIO(path.read_bytes()), specific_tags=list(_ELEMENTS))
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    if n_frames > 1 and frame is None:
        raise ImageError(f"It holds {n_frames} frames. Store the frame to classify as a file of its own.")
    if "PixelData" not in dataset and "FloatPixelData" not in dataset and "DoubleFloatPixelData" not in dataset:
        raise ImageError(
            "It holds no pixels, or ends before them. Give a whole image object, not a report or a directory."
        )
    require_size(int(dataset.Rows), int(dataset.Columns))
    kind, index = str(dataset.PhotometricInterpretation), (frame or 1) - 1
    if kind in COLOUR:
        return _colour(dataset, kind, index)
    if kind not in GREY:
        raise ImageError(f"Its photometric interpretation is {kind!r}. Convert it to {', '.join(GREY + COLOUR)}.")
    _lift_functional_groups(dataset, index)
    shown = _grey(dataset, index)
    return to_channel_first(1 - shown if kind == "MONOCHROME1" else shown)


def is_dicom(path: Path) -> bool:
    """Returns whether a file starts as a DICOM file does, whatever its name."""
    from pydicom.misc import is_dicom as starts_as_dicom

    return bool(path.is_file() and starts_as_dicom(path))


def _colour(dataset: Any, kind: str, index: int) -> NDArray[np.float32]:
    from pydicom.pixels import apply_color_lut, pixel_array

    pixels = pixel_array(dataset, index=index)  # YBR becomes RGB here
    bits = int(dataset.BitsStored)
    if kind == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, dataset)[..., :3]
        bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    return scale_by_range(to_channel_first(pixels), 0, 2**bits - 1)


def _grey(dataset: Any, index: int) -> NDArray[np.float32]:
    from pydicom.pixels import apply_modality_lut, apply_voi, pixel_array

    stored = pixel_array(dataset, index=index)
    values = np.asarray(apply_modality_lut(stored, dataset))
    if not np.isfinite(values).all():
        raise ImageError("Some pixels are NaN or infinite. Repair the image or leave it out.")
    if dataset.get("VOILUTSequence"):
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        return scale_by_range(np.asarray(apply_voi(values, dataset)), 0, 2**bits - 1)
    center, width = _first(dataset.get("WindowCenter")), _first(dataset.get("WindowWidth"))
    if center is not None and width is not None:
        return _window(values, center, width, str(dataset.get("VOILUTFunction") or "LINEAR").upper())
    inside = values[~_padding(stored, dataset)]
    low, high = (float(inside.min()), float(inside.max())) if inside.size else (0.0, 0.0)
    return scale_by_range(values, low, high)


def _lift_functional_groups(dataset: Any, index: int) -> None:
    """Moves rescale and window of an enhanced object, which keeps them by frame, to where others have them."""
    for groups, place in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", index)):
        for group in (dataset.get(groups) or [])[place : place + 1]:
            for macro in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
                for item in (group.get(macro) or [])[:1]:
                    dataset.update(item)


def _window(values: NDArray[Any], center: float, width: float, function: str) -> NDArray[np.float32]:
    """Applies a display window to [0, 1]: DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3."""
    least = 1 if function == "LINEAR" else 0
    if not (math.isfinite(center) and math.isfinite(width)) or width < least or width == 0:
        raise ImageError(f"Its window has center {center:g} and width {width:g}. Correct the window or remove it.")
    if function == "SIGMOID":
        return np.asarray(expit(4 * (values.astype(np.float64) - center) / width), dtype=np.float32)
    if function == "LINEAR":
        low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
        return scale_by_range(values, low, high) if width > 1 else np.asarray(values > low, dtype=np.float32)
    if function == "LINEAR_EXACT":
        return scale_by_range(values, center - width / 2, center + width / 2)
    raise ImageError(f"Its window function is {function!r}, which DICOM does not define. Correct or remove it.")


def _first(value: Any) -> float | None:
    """Returns the first of several alternative windows, as a viewer does."""
    if value is None or value == "":
        return None
    return float(value[0] if hasattr(value, "__getitem__") and not isinstance(value, str) else value)


def _padding(stored: NDArray[Any], dataset: Any) -> NDArray[np.bool_]:
    """Returns which pixels pad the image to a rectangle: they would otherwise decide its range."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, dtype=np.bool_)
    limit = dataset.get("PixelPaddingRangeLimit", value)
    return np.asarray((stored >= min(value, limit)) & (stored <= max(value, limit)))
