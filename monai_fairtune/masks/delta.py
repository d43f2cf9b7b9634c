"""Tuned tensors as a file that is bound to its backbone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from monai_fairtune.exceptions import WeightsError
from monai_fairtune.masks.mask import Mask
from monai_fairtune.masks.mask_files import find_mask
from monai_fairtune.masks.partition import Partition
from monai_fairtune.predictions import write_durably

if TYPE_CHECKING:
    from monai_fairtune.masks.network import FairTuneNetwork

__all__ = ["load_delta", "read_delta_metadata", "save_delta"]

_FORMAT = "monai-fairtune delta 1"


def save_delta(
    path: str | Path,
    network: FairTuneNetwork,
    *,
    preprocessing: Mapping[str, Any],
    class_names: Sequence[str],
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Writes what training changed as a safetensors file, all or nothing.

    The header tells what the tensors belong to, each entry as JSON: ``format``, ``backbone`` (name),
    ``backbone_sha256``, ``network`` (image size, channels, classes, mean and std), ``mask``, ``preprocessing``,
    ``class_names`` and ``extra``.

    Args:
        path: the file; its folder must exist.
        network: under the mask that it was tuned with.
        preprocessing: what was done to the images, plain JSON.
        class_names: in the order of the logits.
        extra: anything else to keep, plain JSON.
    """
    from safetensors.torch import save

    header = {
        "format": _FORMAT,
        "backbone": network.backbone_name,
        "backbone_sha256": network.backbone_sha256,
        "network": _description(network),
        "mask": network.mask.to_dict(),
        "preprocessing": dict(preprocessing),
        "class_names": list(class_names),
        "extra": dict(extra or {}),
    }
    tensors = {name: tensor.cpu().contiguous() for name, tensor in network.delta().items()}
    content = save(tensors, metadata={name: json.dumps(value, sort_keys=True) for name, value in header.items()})
    write_durably(Path(path), _sort_header(content))


def read_delta_metadata(path: str | Path) -> dict[str, Any]:
    """Returns the header of a file that ``save_delta`` wrote, without its tensors.

    Raises:
        WeightsError: if the file is absent, damaged, or another kind of file.
    """
    return _read(Path(path))[0]


def load_delta(path: str | Path, network: FairTuneNetwork, partition: Partition | None = None) -> dict[str, Any]:
    """Makes ``network`` the one that ``save_delta`` wrote: pretrained weights, tuned tensors, and the file's mask.

    Args:
        path: the file.
        network: built on the same backbone with the same options; its mask and weights are replaced.
        partition: of the file's mask; only needed for a PatternPartitioner's.

    Returns:
        The file's header, see ``save_delta``.

    Raises:
        WeightsError: if the file is damaged, or bound to another backbone or to other options.
        MaskError: if its mask is of another network or partition.
    """
    header, tensors = _read(Path(path), with_tensors=True)
    expected = {
        "backbone": network.backbone_name,
        "backbone_sha256": network.backbone_sha256,
        "network": _description(network),
    }
    for what, value in expected.items():
        if header[what] != value:
            raise WeightsError(
                f"Delta {str(path)!r} is bound to {what} {header[what]!r}, and this network's is {value!r}. "
                "Build the network with the backbone, weights and options that it was tuned with."
            )
    found = Mask.from_dict(header["mask"], partition) if partition else find_mask(network, header["mask"])
    network.apply_mask(found)
    network.load_delta(tensors)
    return header


def _description(network: FairTuneNetwork) -> dict[str, Any]:
    return {
        "image_size": network.image_size,
        "n_channels": network.n_channels,
        "n_classes": network.n_classes,
        "mean": network.mean.flatten().tolist(),
        "std": network.std.flatten().tolist(),
    }


def _read(path: Path, *, with_tensors: bool = False) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
            tensors = {name: file.get_tensor(name) for name in file.keys()} if with_tensors else {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"Delta {str(path)!r} cannot be read: {error}. "
            "Give a file such as model.safetensors, which a search leaves."
        ) from error
    if header.get("format") != _FORMAT or not {"mask", "network", "backbone", "backbone_sha256"} <= header.keys():
        raise WeightsError(
            f"{str(path)!r} is of format {header.get('format')!r} where {_FORMAT!r} is expected. "
            "Give a file such as model.safetensors, which a search leaves."
        )
    return header, tensors


def _sort_header(content: bytes) -> bytes:
    """Safetensors writes its metadata in random order; sorted, equal networks give equal files and checksums."""
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]
