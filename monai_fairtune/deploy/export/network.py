"""The network of an exported model: built from plain data, with weights that are tensors and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_fairtune.exceptions import FairTuneError, WeightsError
from monai_fairtune.masks import FairTuneNetwork

__all__ = ["build_network", "class_1_probabilities", "needs_own_code", "network_arguments"]

_OWN = frozenset({"monai_fairtune.masks.tiny_vit", "monai_fairtune.masks.tiny_vit.tiny_vit"})
_LOADING = frozenset({"checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"})
# What constructors of timm's were seen to raise on arguments that make no sense; SafetensorError is none of these.
_BUILDING = (ArithmeticError, AttributeError, LookupError, RecursionError, RuntimeError, TypeError, ValueError)
_ARGUMENTS = frozenset({"backbone", "n_classes", "image_size", "n_channels", "mean", "std", "backbone_arguments"})


def network_arguments(network: FairTuneNetwork, backbone_arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of ``FairTuneNetwork`` that build a network of this architecture."""
    return {
        "backbone": network.backbone_name,
        "n_classes": network.n_classes,
        "image_size": network.image_size,
        "n_channels": network.n_channels,
        "mean": network.mean.flatten().tolist(),
        "std": network.std.flatten().tolist(),
        "backbone_arguments": dict(backbone_arguments),
    }


def build_network(
    arguments: Mapping[str, Any], weights: bytes, allowed_backbones: Collection[str] = ()
) -> FairTuneNetwork:
    """Returns a network in evaluation mode.

    Args:
        arguments: as ``network_arguments`` returns them, from a file that nobody vouches for.
        weights: content of a safetensors file with its whole state.
        allowed_backbones: dotted paths that may be imported and called besides timm's models and this package's own.

    Raises:
        WeightsError: if the backbone is not allowed, cannot be built, or the weights do not fit it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    _check_arguments(arguments, allowed_backbones)
    try:
        network, state = FairTuneNetwork(**arguments), load(weights)
        network.load_state_dict(state)
    except (FairTuneError, SafetensorError, *_BUILDING) as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"The bundle's network cannot be built: {reason}. Use the releases that metadata.json names."
        ) from error
    _check_finite(state)
    return network.eval()


def class_1_probabilities(logits: Tensor) -> NDArray[np.float64]:
    """Returns the probability of class 1, float64 ``(B,)``, of logits ``(B, 2)``."""
    found: NDArray[np.float64] = torch.softmax(logits.double(), dim=1)[:, 1].cpu().numpy()
    return found


def needs_own_code(backbone: str) -> bool:
    """Says whether a backbone is code outside timm and this package."""
    import timm

    return backbone not in _OWN and not timm.is_model(backbone)


def _check_arguments(arguments: Mapping[str, Any], allowed: Collection[str]) -> None:
    backbone, further = arguments.get("backbone"), arguments.get("backbone_arguments") or {}
    if set(arguments) != _ARGUMENTS or not isinstance(backbone, str) or not isinstance(further, Mapping):
        raise WeightsError(
            f"The bundle describes a network by {sorted(arguments)}, and this version reads {sorted(_ARGUMENTS)}. "
            "Use the release that wrote it."
        )
    if needs_own_code(backbone) and backbone not in allowed:
        raise WeightsError(
            f"The bundle's backbone {backbone[:100]!r} is code outside timm and this package. If you trust it, install "
            f"it and allow it: allowed_backbones=[{backbone[:100]!r}]."
        )
    loading = sorted(_LOADING & set(further))
    if loading:
        raise WeightsError(f"The bundle's backbone would load {loading}. Weights come from model.safetensors alone.")


def _check_finite(state: Mapping[str, Tensor]) -> None:
    broken = [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise WeightsError(f"Weights of the bundle are not finite in {broken[:3]}. Export it again.")
