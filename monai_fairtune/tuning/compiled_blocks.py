"""Compiled blocks: a few graphs that serve the trainings of all masks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from ignite.engine import Engine, Events

from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork, Stages

__all__ = ["CompiledBlocks"]

_MOST_GRAPHS = 64  # of one kind of block: PyTorch's own limit of 8 would leave some masks uncompiled


class CompiledBlocks:
    """Each block of a network by itself, compiled for training steps on whole batches.

    A block's graph depends on which of its own components are tuned and on whether its input needs a gradient, so that
    a mask met later compiles nothing new. Everything else (an epoch's smaller last batch, predictions) runs as it is
    written: another size would be another graph.

    Args:
        network: a timm Vision Transformer or ResNet. Its blocks stay what they are, their parameters included.

    Raises:
        ConfigurationError: if there is no compiler for the network's device.
        MaskError: if the network has no blocks.
    """

    def __init__(self, network: FairTuneNetwork) -> None:
        _require_compiler(network.mean.device)
        self._n_images: int | None = None
        for block in Stages.of(network.backbone).blocks.values():
            block.compile(dynamic=False)

    @contextmanager
    def training(self, trainer: Engine) -> Iterator[None]:
        """Lets the blocks run compiled where a batch of this trainer is as large as its first."""
        trainer.add_event_handler(Events.ITERATION_STARTED, self._choose)
        self._n_images = None
        with self.off(), torch._dynamo.config.patch(recompile_limit=_MOST_GRAPHS):  # type: ignore[no-untyped-call]
            yield

    def off(self) -> AbstractContextManager[None]:
        """Returns a context in which the blocks run as they are written."""
        return torch.compiler.set_stance("force_eager")  # type: ignore[no-any-return]

    def _choose(self, trainer: Engine) -> None:
        n_images = len(trainer.state.batch["label"])
        self._n_images = self._n_images or n_images
        torch.compiler.set_stance("default" if n_images == self._n_images else "force_eager")


def _require_compiler(device: torch.device) -> None:
    """Refuses a machine on which the first training would fail."""
    try:
        torch.compile(torch.sin, fullgraph=True)(torch.zeros(2, device=device))
    except RuntimeError as error:
        raise ConfigurationError(
            f"Blocks cannot be compiled for {device.type!r} here: {type(error).__name__}. "
            "Install a C++ compiler (and Triton, for a GPU), or leave out compiled_blocks."
        ) from error
