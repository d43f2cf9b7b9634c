"""A pretrained classifier that trains what a mask says and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from monai_fairtune.exceptions import ConfigurationError, MaskError, WeightsError
from monai_fairtune.masks.anchors import anchor_masks
from monai_fairtune.masks.delta import load_delta
from monai_fairtune.masks.head import head_parameter_names, initialise_head
from monai_fairtune.masks.mask import Mask
from monai_fairtune.masks.mask_files import find_mask, read_mask
from monai_fairtune.masks.options import is_absent, positive_integer
from monai_fairtune.masks.partition import Partition
from monai_fairtune.masks.partitioning import Partitioner
from monai_fairtune.masks.pretrained import pixel_statistics, pretrained_backbone
from monai_fairtune.masks.search_spaces import partitioner
from monai_fairtune.masks.train_mode import trained_modules

__all__ = ["FairTuneNetwork"]


class FairTuneNetwork(nn.Module):
    """A backbone with a new head that trains what a mask says.

    It turns images ``(B, n_channels, H, W)`` with values in [0, 1] into logits ``(B, n_classes)``. Images are
    normalised inside, so that whoever holds the network cannot forget it. Until a mask is applied, every parameter is
    trained. Options that may be None also accept ``"null"``, ``"None"`` and ``""``.

    Args:
        backbone: a model of timm, or the dotted path of a callable that takes ``num_classes``, ``img_size`` and
            ``in_chans``, such as ``"monai_fairtune.masks.tiny_vit.tiny_vit"``.
        weights: a local ``.safetensors``, ``.pt`` or ``.pth`` file; None for random weights drawn from ``seed``;
            ``"download"`` for timm's pretrained weights. Nothing is downloaded otherwise.
        n_classes: width of the new head.
        image_size: height and width, pixels; position embeddings are resampled to it.
        n_channels: channels of the images; a single one is repeated for a backbone of three.
        seed: of random weights and of the head; the global random state is left alone.
        mask: what to train: a file such as ``mask.json``, or the object in it.
        delta: tuned tensors as ``save_delta`` wrote them; they bring their mask.
        weights_sha256: refuse weights of another checksum (see ``backbone_sha256``).
        mean: of the pixels, one number a channel of the backbone; by default what the backbone was pretrained with.
        std: likewise the standard deviation, above 0.
        backbone_arguments: further arguments of the backbone.
        precision: what the backbone computes in: ``"float32"``, or ``"bfloat16"`` by autocast on any device. Weights
            and logits are float32 either way.

    Raises:
        ConfigurationError: if an option cannot be used.
        WeightsError: if weights are absent, damaged, of another backbone or of another checksum.
        MaskError: if the mask is of another network.

    Example:
        >>> network = FairTuneNetwork("monai_fairtune.masks.tiny_vit.tiny_vit", image_size=16)
        >>> network.apply_mask(network.partition("attention").mask(["blocks.11.attention"]))
        >>> [name for name, _ in network.tuned_parameters()][:2]
        ['blocks.11.attn.qkv.weight', 'blocks.11.attn.qkv.bias']
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: str,
        weights: str | Path | None = None,
        n_classes: int = 2,
        image_size: int = 224,
        n_channels: int = 3,
        seed: int = 0,
        mask: Mask | Mapping[str, Any] | str | Path | None = None,
        delta: str | Path | None = None,
        weights_sha256: str | None = None,
        mean: float | Sequence[float] | str | None = None,
        std: float | Sequence[float] | str | None = None,
        backbone_arguments: Mapping[str, Any] | str | None = None,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        arguments = _arguments(backbone_arguments)
        self.precision = _precision(precision)
        self.backbone_name = str(backbone)
        self.n_classes = positive_integer("n_classes", n_classes)
        self.image_size = positive_integer("image_size", image_size)
        self.n_channels = positive_integer("n_channels", n_channels)
        self._backbone_channels = int(arguments.get("in_chans", 3 if n_channels == 1 else n_channels))
        if self.n_channels not in (1, self._backbone_channels):
            raise ConfigurationError(
                f"Images of {n_channels} channels do not fit a backbone of {self._backbone_channels}. "
                "Give as many channels as in_chans, or one, which is repeated."
            )
        self.backbone, self.backbone_sha256 = pretrained_backbone(
            self.backbone_name,
            weights,
            weights_sha256,
            n_classes=self.n_classes,
            image_size=self.image_size,
            n_channels=self._backbone_channels,
            arguments=arguments,
            seed=seed,
        )
        for name, given in (("mean", mean), ("std", std)):
            numbers = pixel_statistics(
                name, given, self.backbone, n_channels=self._backbone_channels, is_random=is_absent(weights)
            )
            self.register_buffer(name, torch.tensor(numbers).reshape(1, -1, 1, 1))
        self._head = head_parameter_names(self.backbone)
        initialise_head(self.backbone, seed)
        self._pretrained = {name: tensor.detach().clone() for name, tensor in self.backbone.state_dict().items()}
        self.apply_mask(self.anchors()["full"])
        if not is_absent(delta):
            load_delta(Path(str(delta)), self)
        if not is_absent(mask):
            self._apply_given(mask, has_delta=not is_absent(delta))

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits ``(B, n_classes)`` of images ``(B, n_channels, H, W)`` with values in [0, 1]."""
        with self.autocast():
            logits: Tensor = self.backbone(self.normalise(images))
        return logits.float()

    def normalise(self, images: Tensor) -> Tensor:
        """Returns what the backbone takes: images with its number of channels, mean and standard deviation."""
        if self.n_channels != self._backbone_channels:
            images = images.expand(-1, self._backbone_channels, -1, -1)
        return (images - self.mean) / self.std

    def autocast(self) -> torch.autocast:
        """Returns the context in which the backbone computes in this network's precision; exported, it is float32."""
        # ONNX Runtime has no convolution in bfloat16 on processors, and an exported network runs on any device.
        is_traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        enabled = self.precision == "bfloat16" and not (is_traced or torch.compiler.is_exporting())
        return torch.autocast(self.mean.device.type, torch.bfloat16, enabled=enabled)

    def partition(self, search_space: str | Partitioner) -> Partition:
        """Returns the backbone's partition under a search space, given by name or as a partitioner of one's own.

        Raises:
            MaskError: if this kind of network has no such search space.
        """
        maker = search_space if isinstance(search_space, Partitioner) else partitioner(search_space, self.backbone)
        return maker.partition(self.backbone, self.backbone_name)

    def anchors(self) -> dict[str, Mask]:
        """Returns the fixed methods to compare with; see ``anchor_masks``."""
        return anchor_masks(self.backbone, self.backbone_name)

    @property
    def head_parameter_names(self) -> frozenset[str]:
        """Names of the parameters that every mask trains."""
        return self._head

    @property
    def mask(self) -> Mask:
        """The mask that was applied last; the anchor ``full`` until then."""
        return self._mask

    def apply_mask(self, mask: Mask) -> None:
        """Makes exactly the parameters of ``mask`` trainable, and drops the gradients of the others.

        Weights stay as they are: ``reset`` brings the pretrained ones back.

        Raises:
            MaskError: if the mask is of another network.
        """
        if mask.partition.network != self.backbone_name:
            raise MaskError(
                f"The mask belongs to network {mask.partition.network!r}, not to {self.backbone_name!r}. "
                "Use a mask of this network's partition."
            )
        parameters = dict(self.backbone.named_parameters())
        mask.partition.check_complete(parameters)
        for name, parameter in parameters.items():
            parameter.requires_grad_(name in mask.parameter_names)
            if not parameter.requires_grad:
                parameter.grad = None
        self._mask = mask
        self._trained_modules = trained_modules(self.backbone, mask.parameter_names)
        self.train(self.training)

    def _apply_given(self, mask: Mask | Mapping[str, Any] | str | Path | None, *, has_delta: bool) -> None:
        chosen = mask if isinstance(mask, Mask) else find_mask(self, read_mask(mask))
        if has_delta and chosen != self.mask:
            raise MaskError(
                f"The delta was tuned under mask {self.mask.key}, not under the given mask {chosen.key}. "
                "Leave the mask out: the delta brings its own."
            )
        self.apply_mask(chosen)

    def train(self, mode: bool = True) -> FairTuneNetwork:
        """Puts what the mask tunes into train mode; frozen parts stay in eval mode, their dropout off."""
        self.training = mode
        for path, module in self.backbone.named_modules():
            module.training = mode and path in self._trained_modules
        return self

    def tuned_parameters(self) -> list[tuple[str, nn.Parameter]]:
        """Returns name and parameter of everything that is trained, in the network's order."""
        return [pair for pair in self.backbone.named_parameters() if pair[0] in self.mask.parameter_names]

    def reset(self, seed: int) -> None:
        """Brings the pretrained weights back and draws the head from ``seed``, as if built anew; the mask stays.

        Random backbones get back the weights they were built with: they too are one fixed backbone.
        """
        self._restore({})
        initialise_head(self.backbone, seed)
        self.zero_grad(set_to_none=True)

    def delta(self) -> dict[str, Tensor]:
        """Returns copies of all tensors that training under the mask changes.

        These are the tuned parameters, and buffers such as the running statistics of tuned BatchNorm layers.
        """
        state = self.backbone.state_dict()
        return {name: state[name].detach().clone() for name in self._delta_names()}

    def load_delta(self, delta: Mapping[str, Tensor]) -> None:
        """Makes the network the pretrained one with the tensors of ``delta``, exactly.

        Args:
            delta: what ``delta()`` returned under the same mask.

        Raises:
            WeightsError: if a tensor is missing, left over or of another shape.
        """
        state = self.backbone.state_dict()
        names = self._delta_names()
        wrong = sorted(set(names).symmetric_difference(delta))
        wrong += [name for name in names if name in delta and delta[name].shape != state[name].shape]
        if wrong:
            raise WeightsError(
                f"{len(wrong)} tensors of the delta do not fit the mask and the network, such as {wrong[:3]}. "
                "Apply the mask that it was tuned under, on a network built with the same options."
            )
        self._restore(delta)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> FairTuneNetwork:
        # The pretrained weights follow to the device: brought from the host for each trial they would take longer.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        device = self.mean.device
        if device.type != "meta":
            self._pretrained = {name: tensor.to(device) for name, tensor in self._pretrained.items()}
        return self

    def _delta_names(self) -> list[str]:
        persistent = self.backbone.state_dict()
        names = [name for name, _ in self.tuned_parameters()]
        for path in sorted(self._trained_modules):
            buffers = self.backbone.get_submodule(path).named_buffers(path, recurse=False)
            names += [name for name, _ in buffers if name in persistent]
        return names

    def _restore(self, delta: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in self.backbone.state_dict().items():
                tensor.copy_(delta.get(name, self._pretrained[name]))


def _arguments(given: Mapping[str, Any] | str | None) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    if not is_absent(given):
        raise ConfigurationError(f"backbone_arguments are {given!r}. Give an object of argument names and values.")
    return {}


def _precision(given: str) -> str:
    if given not in ("float32", "bfloat16"):
        raise ConfigurationError(f"precision is {given!r}. Give 'float32' or 'bfloat16'.")
    return given
