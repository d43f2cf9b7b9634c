"""What a tuning changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from monai_fairtune.masks import FairTuneNetwork, Mask
from monai_fairtune.tuning.protocol import TunedModel

__all__ = ["TunedTensors"]


@dataclass(frozen=True)
class TunedTensors:
    """A mask and the tensors that training under it changed."""

    mask: Mask
    delta: Mapping[str, Tensor]

    @classmethod
    def of(cls, network: FairTuneNetwork) -> TunedTensors:
        """Returns copies of those of a network as it is now, on its device."""
        return cls(network.mask, network.delta())

    def on_host(self) -> TunedTensors:
        """Returns the same, without memory of a device."""
        return TunedTensors(self.mask, {name: tensor.cpu() for name, tensor in self.delta.items()})

    @classmethod
    def own(cls, model: TunedModel) -> TunedTensors:
        """Returns a model as what it is.

        Raises:
            TypeError: if another tuner made it.
        """
        if not isinstance(model, cls):
            raise TypeError(f"A {type(model).__name__} is not a model of this tuner. Pass what tune or load returned.")
        return model
