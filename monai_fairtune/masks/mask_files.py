"""Masks as files, and the partition that a mask names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_fairtune.exceptions import MaskError
from monai_fairtune.masks.mask import Mask

if TYPE_CHECKING:
    from monai_fairtune.masks.network import FairTuneNetwork

__all__ = ["find_mask", "read_mask"]


def read_mask(mask: Mapping[str, Any] | str | Path | None) -> Mapping[str, Any]:
    """Returns the object in a mask file; an object given as such is returned as it is.

    Args:
        mask: ``mask.json``, or an object as ``Mask.to_dict`` returns; also ``result.json``, which holds one.

    Raises:
        MaskError: if the file is absent or holds no JSON object.
    """
    data: Any = mask
    if not isinstance(mask, Mapping):
        try:
            data = json.loads(Path(str(mask)).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise MaskError(
                f"Mask {str(mask)!r} cannot be read: {error}. Give a file such as mask.json, which a search leaves."
            ) from error
    inner = data.get("mask", data) if isinstance(data, Mapping) else data
    if not isinstance(inner, Mapping):
        raise MaskError(f"Mask {str(mask)[:80]!r} holds no JSON object. Give a file such as mask.json.")
    return inner


def find_mask(network: FairTuneNetwork, data: Mapping[str, Any]) -> Mask:
    """Returns the mask that ``data`` describes, in the partition of ``network`` that it names.

    Args:
        network: the mask must belong to it.
        data: as ``Mask.to_dict`` returns. The partition is that of an anchor, of a named search space, or of the mask
            that is applied now; the last makes masks of a PatternPartitioner readable.

    Raises:
        MaskError: if the mask is of another network, or its partition is unknown.
    """
    name = data.get("partition")
    candidates = [network.mask.partition, *(mask.partition for mask in network.anchors().values())]
    for partition in candidates:
        if partition.name == name:
            return Mask.from_dict(data, partition)
    return Mask.from_dict(data, network.partition(str(name)))
