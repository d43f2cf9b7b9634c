"""PNG, JPEG and TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monai_fairtune.cohort.decoding.scaling import require_size, scale_by_type, to_channel_first
from monai_fairtune.exceptions import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["decode_picture"]

_FORMATS = ("PNG", "JPEG", "TIFF")
_JPEG_WITH_PREVIEW = "MPO"  # what Pillow makes of the JPEG files of some cameras: the picture comes first
_TIFF_PHOTOMETRIC = 262


def decode_picture(path: Path) -> NDArray[np.float32]:
    """Returns the picture as it should be seen: ``(1, H, W)`` or ``(3, H, W)``, see ``decode_image``."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=_FORMATS) as file:
        n_frames = getattr(file, "n_frames", 1)
        if n_frames > 1 and file.format != _JPEG_WITH_PREVIEW:
            raise ImageError(f"It holds {n_frames} pictures. Give one file a picture.")
        require_size(file.height, file.width)
        is_negative = _is_negative(file)
        ImageOps.exif_transpose(file, in_place=True)
        # Channels first while a pixel takes one byte and not four.
        pixels = scale_by_type(np.ascontiguousarray(to_channel_first(_pixels(file))))
        return 1 - pixels if is_negative else pixels


def _pixels(picture: Image) -> NDArray[Any]:
    """Resolves Pillow's modes; ``convert`` would clip 16 bit and floating point to 8 bit."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if mode in ("I", "F", "1", "L", "RGB"):
        return np.asarray(picture)
    if mode in ("LA", "La"):
        return np.asarray(picture.convert("LA"))[..., 0]
    if mode in ("P", "PA"):
        picture = picture.convert("RGBA")
    return np.asarray(picture.convert("RGB"))


def _is_negative(file: Image) -> bool:
    """Returns whether 0 means white: Pillow inverts such TIFF files of 8 bit, but not those of 16."""
    tags: Any = getattr(file, "tag_v2", {})
    return file.mode.startswith("I;16") and tags.get(_TIFF_PHOTOMETRIC) == 0
