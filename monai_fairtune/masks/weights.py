"""Pretrained weights: read without running code, checked, and fitted to a backbone."""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from monai_fairtune.exceptions import WeightsError

__all__ = ["check_sha256", "file_sha256", "fit_weights", "read_weights", "state_sha256"]

_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
# Tensors whose shape follows the image size; timm resamples them.
_RESAMPLED = ("pos_embed", "relative_position_bias_table", "relative_position_index", "attn_mask")
_Filter = Callable[[dict[str, Tensor], nn.Module], dict[str, Tensor]]


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        WeightsError: if there is no such file, or it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise WeightsError(
            f"Weights {str(path)!r} cannot be read: {error.strerror}. Give a file that exists."
        ) from error
    return digest.hexdigest()


def check_sha256(source: str, found: str, expected: str) -> None:
    """Raises a WeightsError if the checksums differ, whatever their case."""
    if found != expected.strip().lower():
        raise WeightsError(
            f"{source} has SHA-256 {found} where {expected!r} is expected. "
            "Fetch the file again, or correct weights_sha256 if you trust this one."
        )


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """Returns a SHA-256 over names, types, shapes and bytes of tensors, whatever their order or device."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Returns the tensors of a file on the CPU; nothing in the file is executed.

    Args:
        path: ``.safetensors``, or ``.pt``, ``.pth`` or ``.bin`` with a dictionary of tensors, bare or under
            ``state_dict`` or ``model``.

    Raises:
        WeightsError: if the file is absent, damaged, or holds anything else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.suffix not in _SUFFIXES:
        raise WeightsError(f"Weights {str(path)!r} end in {path.suffix!r}. Give a file that ends in {_SUFFIXES}.")
    try:
        if path.suffix == ".safetensors":
            state: object = load_file(path, device="cpu")
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise WeightsError(
            f"Weights {str(path)!r} cannot be read: {reason}. "
            "Give a complete file of tensors in the format that its name ends in."
        ) from error
    for key in ("state_dict", "model"):
        state = state.get(key, state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not state or not all(isinstance(each, Tensor) for each in state.values()):
        raise WeightsError(
            f"Weights {str(path)!r} hold no dictionary of tensors. Save the network's state_dict() in this file."
        )
    return {str(name): tensor for name, tensor in state.items()}


def fit_weights(backbone: nn.Module, state: Mapping[str, Tensor], head: frozenset[str], source: str) -> None:
    """Loads everything but the head into ``backbone``; timm resamples position embeddings to its image size.

    Args:
        backbone: changed in place.
        state: tensors of any floating type; those of another head are ignored.
        head: names of the head's parameters.
        source: what to call the weights in errors.

    Raises:
        WeightsError: if a tensor is missing, left over, of another shape, or not finite.
    """
    own = {name: tensor for name, tensor in backbone.state_dict().items() if name not in head}
    given = {name: tensor for name, tensor in state.items() if name not in head}
    if set(given) == set(own):
        _check_shapes({name: given[name] for name in given if not name.endswith(_RESAMPLED)}, own, source)
    try:
        fitted = _filter_of(backbone)(given, backbone)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError) as error:
        raise WeightsError(
            f"{source} cannot be fitted to {type(backbone).__name__}: {error}; it lacks "
            f"{[name for name in own if name not in given][:3]}. Give weights of this very backbone."
        ) from error
    fitted = {name: tensor for name, tensor in fitted.items() if name not in head}
    missing = [name for name in own if name not in fitted and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in fitted if name not in own]
    if missing or unexpected:
        raise WeightsError(
            f"{source} lacks {len(missing)} of {len(own)} tensors of {type(backbone).__name__} {missing[:3]} and "
            f"holds {len(unexpected)} others {unexpected[:3]}. Give weights of this very backbone."
        )
    _check_shapes(fitted, own, source)
    broken = [name for name, tensor in fitted.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise WeightsError(f"{source} holds values that are not finite in {broken[:3]}. Fetch the file again.")
    backbone.load_state_dict({name: tensor.to(own[name].dtype) for name, tensor in fitted.items()}, strict=False)


def _check_shapes(given: Mapping[str, Tensor], own: Mapping[str, Tensor], source: str) -> None:
    differing = [
        f"{name} {tuple(tensor.shape)} for {tuple(own[name].shape)}"
        for name, tensor in given.items()
        if tensor.shape != own[name].shape
    ]
    if differing:
        raise WeightsError(
            f"{source} has {len(differing)} tensors of other shapes than the backbone: {'; '.join(differing[:3])}. "
            "Give weights of this very backbone, or build it with the arguments that the weights were trained with."
        )


def _filter_of(backbone: nn.Module) -> _Filter:
    """Returns the function that timm itself passes checkpoints of this family through."""
    for family in type(backbone).__mro__:
        found = getattr(sys.modules.get(family.__module__), "checkpoint_filter_fn", None)
        if family.__module__.startswith("timm.") and callable(found):
            return cast("_Filter", found)
    return lambda state, _: dict(state)
