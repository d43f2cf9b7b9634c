"""The device of a config, and the images on it."""

from __future__ import annotations

from pathlib import Path

import torch

from monai_fairtune.bundle.options import folder, is_absent, switch, text
from monai_fairtune.cohort import CachedImages, Cohort, DefaultAugmentation, Preprocessing, cache_images
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["decode_images", "make_augmentation", "precision", "torch_device"]


def torch_device(device: object) -> torch.device:
    """Returns the device that an option names.

    Raises:
        ConfigurationError: if there is no such device here.

    Example:
        >>> torch_device("cpu")
        device(type='cpu')
    """
    if isinstance(device, torch.device):
        return device
    name = text("device", device)
    try:
        found = torch.device(name)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise ConfigurationError(
            f"device is {name!r}, which is not available here. Give 'cpu', or 'cuda:0' on a machine with a GPU."
        ) from error
    return found


def precision(precision: object, device: torch.device) -> str:
    """Returns what the network computes in: ``float32`` or ``bfloat16``; null means bfloat16 on CUDA, else float32.

    Raises:
        ConfigurationError: if the option is anything else.

    Example:
        >>> precision("null", torch.device("cpu")), precision(None, torch.device("cuda"))
        ('float32', 'bfloat16')
    """
    if is_absent(precision):
        return "bfloat16" if device.type == "cuda" else "float32"
    if precision not in ("float32", "bfloat16"):
        raise ConfigurationError(f"precision is {precision!r}. Give float32 or bfloat16, or null for the device's own.")
    return str(precision)


def make_augmentation(augmentation: object) -> torch.nn.Module | None:
    """Returns the random transform of training batches, or None where it is switched off.

    Raises:
        ConfigurationError: if the option is neither true nor false.
    """
    return DefaultAugmentation() if switch("augmentation", augmentation) else None


def decode_images(
    cohort: Cohort, preprocessing: Preprocessing, *, cache_dir: object = None, output_dir: object = "output"
) -> CachedImages:
    """Returns a cohort's images, decoded now or found in the cache.

    Args:
        cohort: whose images.
        preprocessing: what is done to each.
        cache_dir: a folder; null means ``cache`` in the output folder.
        output_dir: the output folder.

    Raises:
        ImageError: naming every image that cannot be read.
    """
    place: Path = folder("output_dir", output_dir) / "cache" if is_absent(cache_dir) else folder("cache_dir", cache_dir)
    return cache_images(cohort, preprocessing, place)
