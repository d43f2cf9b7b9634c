"""What an earlier search found, tried first in this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_fairtune.exceptions import ConfigurationError, MaskError
from monai_fairtune.masks import Mask, Partition
from monai_fairtune.search.files import read_json

__all__ = ["WarmMask", "warm_masks"]


@dataclass(frozen=True)
class WarmMask:
    """A mask that an earlier search confirmed.

    Args:
        mask: of this search's partition.
        learning_rate: that it was found with.
        name: where it comes from.
    """

    mask: Mask
    learning_rate: float
    name: str


def warm_masks(path: Path, partition: Partition, learning_rates: tuple[float, float] | None = None) -> list[WarmMask]:
    """Returns the finalists of an earlier search that lie in this search space, best first.

    Masks and learning rates are taken over, and nothing about patients; the cohort may be another. Finalists outside
    the space were anchors, which this search tries by itself.

    Args:
        path: of the earlier search's ``result.json``.
        partition: of this search.
        learning_rates: lowest and highest of this search; None to take any.

    Raises:
        ConfigurationError: if the file is not a search's result, or of another search space, network or set of
            components, or a learning rate lies outside.
    """
    result = _read(path)
    space = result["study"]["search_space"]
    if space != partition.name:
        raise ConfigurationError(
            f"{path.name} is of a search over {space!r} and this one is over {partition.name!r}. "
            "Search the same space, or leave this warm start out."
        )
    found = [_warm_mask(path, one, partition) for one in result["finalists"] if one["mask"]["partition"] == space]
    for one in found:
        if learning_rates is not None and not learning_rates[0] <= one.learning_rate <= learning_rates[1]:
            raise ConfigurationError(
                f"{path.name} found learning rate {one.learning_rate:g}, outside {learning_rates[0]:g} to "
                f"{learning_rates[1]:g}. Widen learning_rates, or leave this warm start out."
            )
    return found


def _warm_mask(path: Path, finalist: Mapping[str, Any], partition: Partition) -> WarmMask:
    try:
        mask = Mask.from_dict(finalist["mask"], partition)
    except MaskError as error:
        raise ConfigurationError(f"{path.name} does not fit this search. {error}") from error
    return WarmMask(mask, float(finalist["hyperparameters"]["learning_rate"]), f"warm start: {finalist['name']}")


def _read(path: Path) -> Mapping[str, Any]:
    """Returns a result that holds all that is read here."""
    try:
        result = read_json(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The result {path.name!r} of an earlier search cannot be read ({type(error).__name__}). "
            "Give the result.json that a search wrote."
        ) from error
    if not _is_result(result):
        raise ConfigurationError(
            f"{path.name!r} is not a search's result: it names no search space, or no finalists with mask and learning "
            "rate. Give the result.json that a search wrote."
        )
    checked: Mapping[str, Any] = result
    return checked


def _is_result(result: Any) -> bool:
    if not isinstance(result, Mapping) or not isinstance(result.get("study"), Mapping):
        return False
    finalists = result.get("finalists")
    return (
        isinstance(result["study"].get("search_space"), str)
        and isinstance(finalists, list)
        and bool(finalists)
        and all(_is_finalist(one) for one in finalists)
    )


def _is_finalist(one: Any) -> bool:
    if not isinstance(one, Mapping):
        return False
    mask, hyperparameters = one.get("mask"), one.get("hyperparameters")
    return (
        isinstance(one.get("name"), str)
        and isinstance(mask, Mapping)
        and isinstance(mask.get("partition"), str)
        and isinstance(hyperparameters, Mapping)
        and isinstance(hyperparameters.get("learning_rate"), int | float)
    )
