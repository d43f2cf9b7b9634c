"""Compiled blocks: a few graphs that serve the trainings of all masks."""

from __future__ import annotations

import torch

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork, Stages

__all__ = ["compile_blocks"]

_MOST_GRAPHS = 64  # of one kind of block: PyTorch's own limit of 8 would leave some masks uncompiled


def compile_blocks(network: FairTuneNetwork) -> None:
    """Compiles each block of a network by itself, when it is first run.

    A block's graph depends on which of its own components are tuned and on whether its input needs a gradient, not on
    the mask nor on how many images a batch has, so that a mask met later compiles little or nothing.

    Args:
        network: a timm Vision Transformer or ResNet. Its blocks stay what they are, their parameters included.

    Raises:
        ConfigurationError: if there is no compiler for the network's device.
        MaskError: if the network has no blocks.
    """
    blocks = Stages.of(network.backbone).blocks.values()
    _require_compiler(network.mean.device)
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _MOST_GRAPHS)
    for block in blocks:
        block.compile(dynamic=True)


def _require_compiler(device: torch.device) -> None:
    """Refuses a machine on which the first training would fail."""
    try:
        torch.compile(torch.sin, fullgraph=True)(torch.zeros(2, device=device))
    except RuntimeError as error:
        raise ConfigurationError(
            f"Blocks cannot be compiled for {device.type!r} here: {type(error).__name__}. "
            "Install a C++ compiler (and Triton, for a GPU), or leave out compiled_blocks."
        ) from error
