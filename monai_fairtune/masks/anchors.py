"""The fixed methods that every search is compared with, as masks."""

from __future__ import annotations

from torch import nn

from monai_fairtune.masks.head import head_parameter_names
from monai_fairtune.masks.mask import Mask
from monai_fairtune.masks.partitioning import build_partition
from monai_fairtune.masks.transformer import TransformerPartitioner, is_transformer

__all__ = ["anchor_masks"]


def anchor_masks(network: nn.Module, name: str) -> dict[str, Mask]:
    """Returns the fixed methods that this network allows, each as a mask of its own partition ``anchor: ...``.

    ===========  ====================================================================================
    head only    the head alone
    full         every parameter, patch embedding, tokens and position embedding included
    bias         all parameters called ``*.bias`` (BitFit: Ben Zaken, Ravfogel, Goldberg, ACL 2022)
    norm         weights and biases of all normalisation layers
    attention    the attention of all blocks; Vision Transformers only
    ===========  ====================================================================================

    A method that finds nothing to tune in this network beyond the head is left out. ``Partition.find_equal`` tells
    whether a search space holds the same choice.

    Args:
        network: whose parameters to split; it is not changed.
        name: what the network is called in masks.

    Example:
        >>> from monai_fairtune.masks import tiny_vit
        >>> {name: round(mask.trained_share, 3) for name, mask in anchor_masks(tiny_vit(), "tiny_vit").items()}
        {'head only': 0.0, 'full': 1.0, 'bias': 0.014, 'norm': 0.005, 'attention': 0.325}
    """
    head = head_parameter_names(network)
    body = [parameter for parameter, _ in network.named_parameters() if parameter not in head]
    chosen = {
        "full": body,
        "bias": [parameter for parameter in body if parameter.endswith(".bias")],
        "norm": _norm_parameters(network, head),
        "attention": list(TransformerPartitioner("attention").assign(body)) if is_transformer(body) else [],
    }
    anchors = {"head only": build_partition("anchor: head only", network, name, {}).head_only()}
    for method, parameters in chosen.items():
        if parameters:
            assigned = dict.fromkeys(parameters, method)
            anchors[method] = build_partition(f"anchor: {method}", network, name, assigned).all_tuned()
    return anchors


def _norm_parameters(network: nn.Module, head: frozenset[str]) -> list[str]:
    """Layers are told by their class's name: timm and MONAI bring norms that share no base class."""
    return [
        f"{path}.{name}" if path else name
        for path, module in network.named_modules()
        if "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(recurse=False)
        if f"{path}.{name}" not in head
    ]
