"""MONAI transforms and a MONAI reader for single medical images."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import ImageReader
from monai.transforms import MapTransform
from numpy.typing import NDArray

from monai_fairtune.cohort.decoding import SUFFIXES, decode_image
from monai_fairtune.exceptions import ImageError

__all__ = ["AntialiasedResized", "FitChannelsd", "MedicalImageReader", "ReadImaged"]

_LUMA = (0.299, 0.587, 0.114)


class MedicalImageReader(ImageReader):  # type: ignore[misc]  # MONAI is untyped
    """A MONAI reader of single images: upright, in [0, 1], without metadata; see ``decode_image``.

    It also works within MONAI's ``LoadImage``, which however tries its other readers when this one refuses a file.
    """

    def verify_suffix(self, filename: Any) -> bool:
        """Returns whether every file has an ending that can be read."""
        return all(str(name).lower().endswith(SUFFIXES) for name in _as_list(filename))

    def read(self, data: Any, **kwargs: Any) -> NDArray[np.float32]:  # noqa: ARG002  # MONAI's signature
        """Returns the pixels ``(C, H, W)`` of one file.

        Raises:
            ImageError: if there is not one file, or it cannot be decoded.
        """
        files = _as_list(data)
        if len(files) != 1:
            raise ImageError(f"{len(files)} files were given for one image. Give one file an image.")
        return decode_image(files[0])

    def get_data(self, img: Any) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Returns the pixels and where their channel is: nothing else is known of them."""
        return img, {"original_channel_dim": 0, "spatial_shape": np.array(img.shape[1:])}


class ReadImaged(MapTransform):  # type: ignore[misc]
    """Replaces a path by the image's pixels: a float32 tensor ``(C, H, W)`` in [0, 1], never a ``MetaTensor``.

    Unlike MONAI's ``LoadImaged`` it has one reader and no fallback: a file that cannot be decoded raises.
    """

    def __init__(self, keys: Hashable | Sequence[Hashable], reader: ImageReader | None = None) -> None:
        super().__init__(keys)
        self.reader = reader or MedicalImageReader()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Reads each key's file."""
        read = dict(data)
        for key in self.key_iterator(read):
            pixels, _ = self.reader.get_data(self.reader.read(read[key]))
            read[key] = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))
        return read


class FitChannelsd(MapTransform):  # type: ignore[misc]
    """Gives images ``n_channels`` channels: grey is repeated, colour becomes grey by its luma (ITU-R BT.601).

    Raises:
        ImageError: if an image has neither one, three nor ``n_channels`` channels, or cannot become one that has.
    """

    def __init__(self, keys: Hashable | Sequence[Hashable], n_channels: int) -> None:
        super().__init__(keys)
        self.n_channels = n_channels

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Gives each key's image its channels."""
        fitted = dict(data)
        for key in self.key_iterator(fitted):
            fitted[key] = self._fit(fitted[key])
        return fitted

    def _fit(self, image: torch.Tensor) -> torch.Tensor:
        n_found = image.shape[0]
        if n_found == self.n_channels:
            return image
        if n_found == 1:
            return image.expand(self.n_channels, -1, -1)
        if n_found == 3 and self.n_channels == 1:
            return (image * image.new_tensor(_LUMA)[:, None, None]).sum(dim=0, keepdim=True)
        raise ImageError(
            f"The image has {n_found} channels where the network takes {self.n_channels}. "
            "Set n_channels to 1 (grey) or 3 (colour)."
        )


class AntialiasedResized(MapTransform):  # type: ignore[misc]
    """Resizes images to a square, bilinearly with an antialiasing filter; the aspect ratio is not kept."""

    def __init__(self, keys: Hashable | Sequence[Hashable], size: int) -> None:
        super().__init__(keys)
        self.size = size

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Resizes each key's image."""
        resized = dict(data)
        for key in self.key_iterator(resized):
            batch = resized[key][None]
            square = torch.nn.functional.interpolate(
                batch, size=(self.size, self.size), mode="bilinear", antialias=True, align_corners=False
            )
            resized[key] = square[0].clamp(0, 1)
        return resized


def _as_list(names: Any) -> list[Any]:
    return list(names) if isinstance(names, (list, tuple)) else [names]
