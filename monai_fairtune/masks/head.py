"""The part of a network that every mask trains."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from monai_fairtune.exceptions import MaskError

__all__ = ["head_parameter_names", "initialise_head"]

_USUAL_NAMES = ("head", "fc", "classifier", "classification_head")


def head_parameter_names(network: nn.Module) -> frozenset[str]:
    """Returns the names of the head's parameters: those of ``network.get_classifier()``, both heads of two.

    A network without ``get_classifier`` is searched for a child named head, fc, classifier or classification_head.

    Raises:
        MaskError: if there is no head, or it holds no parameter.
    """
    heads = _heads(network)
    identities = {id(parameter) for head in heads for parameter in head.parameters()}
    names = frozenset(name for name, parameter in network.named_parameters() if id(parameter) in identities)
    if not names:
        raise MaskError(
            f"{type(network).__name__} has no head with parameters. Build it with n_classes above 0, "
            "and give it a method get_classifier() that returns its last layer."
        )
    return names


def _heads(network: nn.Module) -> tuple[nn.Module, ...]:
    find = getattr(network, "get_classifier", None)
    found = find() if callable(find) else [getattr(network, name, None) for name in _USUAL_NAMES]
    heads: Iterable[object] = found if isinstance(found, (tuple, list)) else (found,)
    return tuple(head for head in heads if isinstance(head, nn.Module))


def initialise_head(network: nn.Module, seed: int) -> None:
    """Draws the head anew: weights from a normal distribution of standard deviation 0.02, biases 0.

    The draw is made on the CPU by a generator of its own: it is the same on every device and leaves the global
    random state alone.

    Args:
        network: changed in place.
        seed: of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    names = head_parameter_names(network)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in names and parameter.ndim >= 2:
                parameter.copy_(0.02 * torch.randn(parameter.shape, generator=generator, device="cpu"))
            elif name in names and name.endswith("bias"):
                parameter.zero_()
