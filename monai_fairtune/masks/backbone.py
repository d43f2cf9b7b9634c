"""Builds the network that is to be tuned, from its name."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from monai_fairtune.exceptions import ConfigurationError, WeightsError

__all__ = ["build_backbone", "seeded"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds what is drawn on the CPU inside, and leaves the global random state as it was before.

    The generator is seeded itself, because ``torch.manual_seed`` also reseeds every accelerator.
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        yield


def build_backbone(
    name: str, *, n_classes: int, image_size: int, n_channels: int, arguments: Mapping[str, Any], download: bool = False
) -> nn.Module:
    """Returns the backbone, initialised from torch's current random state, or pretrained if ``download``.

    Args:
        name: a model of timm, or the dotted path of a callable that takes ``num_classes``, ``img_size``, ``in_chans``.
        n_classes: width of the head.
        image_size: height and width of the images, pixels.
        n_channels: channels that the backbone receives.
        arguments: further arguments of the model; ``in_chans`` may be among them.
        download: let timm fetch its pretrained weights.

    Raises:
        ConfigurationError: if there is no such model, it refuses an argument, or the image size is no multiple of
            its patches.
        WeightsError: if the weights cannot be downloaded.
    """
    refused = {"num_classes": "n_classes", "img_size": "image_size"}
    # timm would fetch or unpickle what these name, past every check of weights.
    refused |= dict.fromkeys(("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path"), "weights")
    for argument, option in refused.items():
        if argument in arguments:
            raise ConfigurationError(f"backbone_arguments hold {argument!r}. Use the option {option} instead.")
    options = {"num_classes": n_classes, "img_size": image_size, "in_chans": n_channels} | dict(arguments)
    try:
        network = _timm_model(name, options, download=download) or _call(name, options, download=download)
    except (TypeError, AssertionError) as error:
        raise ConfigurationError(
            f"Backbone {name!r} refuses its arguments {options}: {error}. Correct backbone_arguments."
        ) from error
    _check_patches(name, network, image_size)
    return network


def _timm_model(name: str, options: dict[str, Any], *, download: bool) -> nn.Module | None:
    import timm

    if not timm.is_model(name):
        return None
    try:
        known = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        tagged = timm.list_pretrained(name.partition(".")[0] + "*")
        raise ConfigurationError(f"timm has no weights called {name!r}. Choose one of {tagged[:5]}.") from error
    if known is None or not known.fixed_input_size:
        options = {option: value for option, value in options.items() if option != "img_size"}
    try:
        network: nn.Module = timm.create_model(name, pretrained=download, **options)
    except (OSError, RuntimeError, ValueError) as error:
        if not download:
            raise ConfigurationError(
                f"timm cannot build {name!r} with {options}: {error}. Correct the image size or backbone_arguments."
            ) from error
        raise WeightsError(
            f"The weights of {name!r} cannot be downloaded: {str(error)[:200]}. "
            "Fetch them where there is a network, and give the file as weights."
        ) from error
    return network


def _call(name: str, options: dict[str, Any], *, download: bool) -> nn.Module:
    if download:
        raise ConfigurationError(
            f"Backbone {name!r} is not timm's. Give a file as weights: only timm's are downloaded."
        )
    network = _locate(name)(**options)
    if not isinstance(network, nn.Module):
        raise ConfigurationError(f"{name!r} returned a {type(network).__name__}. It must return a torch.nn.Module.")
    return network


def _locate(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute) if module else None
    except (ImportError, AttributeError):
        found = None
    if not callable(found):
        import timm

        close = difflib.get_close_matches(name.partition(".")[0], timm.list_models(), n=3)
        raise ConfigurationError(
            f"There is no backbone {name!r}. Give a model of timm{f' such as {close}' if close else ''}, "
            "or the dotted path of a callable that takes num_classes, img_size and in_chans."
        )
    return found


def _check_patches(name: str, network: nn.Module, image_size: int) -> None:
    patch = getattr(getattr(network, "patch_embed", None), "patch_size", None)
    sizes = patch if isinstance(patch, tuple) else (patch,) if isinstance(patch, int) else ()
    if any(image_size % size for size in sizes):
        raise ConfigurationError(
            f"image_size {image_size} is no multiple of the patches of {sizes[0]} pixels of {name!r}. "
            f"Choose {max(1, image_size // sizes[0]) * sizes[0]} or {(image_size // sizes[0] + 1) * sizes[0]}."
        )
