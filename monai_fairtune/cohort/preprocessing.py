"""From an image file to a network's input, as MONAI transforms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.transforms import Compose

from monai_fairtune.cohort.transforms import AntialiasedResized, FitChannelsd, ReadImaged
from monai_fairtune.exceptions import ConfigurationError, ImageError

__all__ = ["Preprocessing"]

_VERSION = 1


class Preprocessing(Compose):  # type: ignore[misc]
    """What is done to every image before a network sees it: ``{"image": path}`` to ``{"image": tensor}``.

    The image is decoded upright to [0, 1] as ``decode_image`` tells for each format, given its channels, and resized
    to a square with antialiasing. Nothing is random, and no metadata is kept.

    Args:
        image_size: side of the square, in pixels.
        n_channels: channels of the result; 3 repeats a grey image.

    Returns:
        When called: a dictionary with ``image``, a float32 tensor ``(n_channels, image_size, image_size)`` in [0, 1].

    Raises:
        ConfigurationError: if a size is not a positive integer.
        ImageError: when called, if the image cannot be decoded.

    Example:
        >>> Preprocessing(70).to_dict()["image_size"]
        70
    """

    def __init__(self, image_size: int, n_channels: int = 3) -> None:
        for name, value in (("image_size", image_size), ("n_channels", n_channels)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} is {value!r}. Give a positive whole number.")
        self.image_size = image_size
        self.n_channels = n_channels
        key = "image"
        super().__init__([ReadImaged(key), FitChannelsd(key, n_channels), AntialiasedResized(key, image_size)])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Applies the transforms; what is wrong with an image is said directly, not within MONAI's own errors."""
        try:
            return super().__call__(*args, **kwargs)
        except RuntimeError as error:
            if isinstance(error.__cause__, ImageError):
                raise error.__cause__ from None
            raise

    def decode(self, path: str | Path) -> torch.Tensor:
        """Returns one file's image: float32 ``(n_channels, image_size, image_size)`` in [0, 1]."""
        image: torch.Tensor = self({"image": path})["image"]
        return image

    def to_dict(self) -> dict[str, Any]:
        """Returns what a reader of an artifact needs to do the same to a new image."""
        return {
            "version": _VERSION,
            "image_size": self.image_size,
            "n_channels": self.n_channels,
            "value_range": [0.0, 1.0],
            "values": "as monai_fairtune.cohort.decoding.decode_image",
            "channels": "grey repeated, or colour to BT.601 luma",
            "resize": "bilinear, antialiased, aspect ratio not kept",
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Preprocessing:
        """Returns the preprocessing that an artifact describes.

        Raises:
            ConfigurationError: if the description is of another version, or incomplete.
        """
        if description.get("version") != _VERSION or not {"image_size", "n_channels"} <= set(description):
            raise ConfigurationError(
                f"The preprocessing is described as {dict(description)}, and this version reads version {_VERSION} "
                "with image_size and n_channels. Use the release that wrote it."
            )
        return cls(description["image_size"], description["n_channels"])

    @property
    def fingerprint(self) -> str:
        """A hash of :meth:`to_dict`: equal where the same is done to images."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()
