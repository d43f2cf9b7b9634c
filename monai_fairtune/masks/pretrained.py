"""A backbone with its pretrained weights, and the statistics of the images it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks.backbone import build_backbone, seeded
from monai_fairtune.masks.head import head_parameter_names
from monai_fairtune.masks.options import channel_values, is_absent
from monai_fairtune.masks.weights import check_sha256, file_sha256, fit_weights, read_weights, state_sha256

__all__ = ["DOWNLOAD", "pixel_statistics", "pretrained_backbone"]

DOWNLOAD = "download"
"""As ``weights``: let timm fetch them."""


def pretrained_backbone(
    name: str,
    weights: str | Path | None,
    sha256: str | None,
    *,
    n_classes: int,
    image_size: int,
    n_channels: int,
    arguments: Mapping[str, Any],
    seed: int,
) -> tuple[nn.Module, str]:
    """Returns the backbone with its weights loaded, and the SHA-256 that stands for them.

    That is the weights file's, or the tensors' (without the head) where there is no file. The head and random weights
    are drawn from ``seed``; see ``FairTuneNetwork`` for the other arguments and the errors.
    """
    with seeded(seed):
        backbone = build_backbone(
            name,
            n_classes=n_classes,
            image_size=image_size,
            n_channels=n_channels,
            arguments=arguments,
            download=weights == DOWNLOAD,
        )
    head = head_parameter_names(backbone)
    if is_absent(weights) or weights == DOWNLOAD:
        source = f"Backbone {name!r}"
        found = state_sha256({key: tensor for key, tensor in backbone.state_dict().items() if key not in head})
    else:
        source = f"Weights {str(weights)!r}"
        found = file_sha256(Path(str(weights)))
    if sha256 is not None and not is_absent(sha256):
        check_sha256(source, found, sha256)
    if not is_absent(weights) and weights != DOWNLOAD:
        fit_weights(backbone, read_weights(Path(str(weights))), head, source)
    return backbone, found


def pixel_statistics(
    name: str,
    given: float | Sequence[float] | str | None,
    backbone: nn.Module,
    *,
    n_channels: int,
    is_random: bool,
) -> tuple[float, ...]:
    """Returns the ``mean`` or ``std`` to normalise images with, one number a channel.

    Args:
        name: ``"mean"`` or ``"std"``.
        given: what the user gave, or None for what ``backbone.pretrained_cfg`` says.
        backbone: asked if nothing is given.
        n_channels: of the backbone.
        is_random: whether the weights are random; then 0.5 serves where nothing is known.

    Raises:
        ConfigurationError: if pretrained weights come without statistics, the numbers do not fit the channels, or a
            standard deviation is not above 0.
    """
    values: Any = None if is_absent(given) else given
    if values is None:
        values = (getattr(backbone, "pretrained_cfg", None) or {}).get(name, ())
        if len(values) != n_channels and not is_random:
            raise ConfigurationError(
                f"The backbone does not tell the {name} of {n_channels} channels that its weights were trained with. "
                "Give mean and std."
            )
        values = values if len(values) == n_channels else 0.5
    numbers = channel_values(name, values, n_channels)
    if name == "std" and min(numbers) <= 0:
        raise ConfigurationError(f"std is {list(numbers)}. Give numbers above 0.")
    return numbers
