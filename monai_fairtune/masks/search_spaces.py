"""From the name of a search space to what makes its partition."""

from __future__ import annotations

from torch import nn

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks.partitioning import Partitioner
from monai_fairtune.masks.resnet import ResNetPartitioner, is_resnet
from monai_fairtune.masks.transformer import TransformerPartitioner, is_transformer

__all__ = ["partitioner"]


def partitioner(search_space: str, network: nn.Module) -> Partitioner:
    """Returns the partitioner of a search space for this kind of network.

    Args:
        search_space: for a Vision Transformer as ``TransformerPartitioner`` reads it; ``"block"`` for a ResNet.
        network: a Vision Transformer or a ResNet.

    Raises:
        MaskError: if the network is of neither kind, or has no such search space.

    Example:
        >>> from monai_fairtune.masks import tiny_vit
        >>> network = tiny_vit()
        >>> partitioner("attention", network).partition(network, "tiny_vit").searchable[:2]
        ('blocks.0.attention', 'blocks.1.attention')
    """
    names = [name for name, _ in network.named_parameters()]
    if is_transformer(names):
        return TransformerPartitioner(search_space)
    if is_resnet(names):
        return ResNetPartitioner(search_space)
    raise MaskError(
        f"Search space {search_space!r} is not known for {type(network).__name__}, which is neither a Vision "
        "Transformer nor a ResNet. Describe its components with a PatternPartitioner."
    )
