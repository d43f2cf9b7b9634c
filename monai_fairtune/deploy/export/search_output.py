"""What a search left, as the one model to export."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from monai_fairtune.bundle import choose_threshold_of
from monai_fairtune.deploy.classifier import IntendedUse
from monai_fairtune.deploy.export.description import ModelDescription
from monai_fairtune.deploy.export.network import needs_own_code, network_arguments
from monai_fairtune.exceptions import ConfigurationError, WeightsError
from monai_fairtune.masks import TINY_VIT_SHA256, TINY_VIT_WEIGHTS, FairTuneNetwork, load_delta, read_delta_metadata
from monai_fairtune.report.stored import load_result

__all__ = ["SearchOutput", "describe", "read_search_output"]


_NETWORK = frozenset({"backbone", "backbone_sha256", "image_size", "n_parameters", "pretrained"})


@dataclass(frozen=True)
class SearchOutput:
    """The answer of a finished search.

    Attributes:
        result: content of ``result.json``.
        network: pretrained weights and tuned tensors together, in evaluation mode and float32, on the CPU.
        backbone_arguments: that the network was built with, besides those of every backbone.
        preprocessing: what is done to images.
        class_names: in the order of the logits.
        threshold: chosen on validation.
    """

    result: Mapping[str, Any]
    network: FairTuneNetwork
    backbone_arguments: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    class_names: tuple[str, str]
    threshold: float

    def state(self) -> dict[str, Tensor]:
        """Returns the network's whole state as plain tensors that share no memory."""
        return {name: torch.clone(tensor.detach()).contiguous() for name, tensor in self.network.state_dict().items()}


def read_search_output(
    output_dir: Path,
    *,
    weights: str | Path | None = None,
    backbone_arguments: Mapping[str, Any] | None = None,
    class_names: tuple[str, str] | None = None,
    allowed_backbones: Collection[str] = (),
) -> SearchOutput:
    """Returns the model that a search delivered, merged from the backbone's weights and what was tuned.

    Args:
        output_dir: holds ``result.json`` and ``model.safetensors``.
        weights: the backbone's file that the search used, or ``"download"``; not needed for random weights, and for
            the tiny network whose weights come with the package.
        backbone_arguments: those of the search.
        class_names: of class 0 and class 1; None means those of the search, which may be their numbers.
        allowed_backbones: dotted paths that may be imported and called besides timm's models and this package's own.

    Raises:
        ConfigurationError: if no search has finished there, or its weights are not given.
        WeightsError: if the weights are not those that the model was tuned on, or the backbone is not allowed.
    """
    result = _told(load_result(output_dir / "result.json"))
    header = read_delta_metadata(output_dir / "model.safetensors")
    _require_allowed(header["backbone"], allowed_backbones)
    described, arguments = header["network"], dict(backbone_arguments or {})
    network = FairTuneNetwork(
        header["backbone"],
        weights or _own_weights(result, header["backbone_sha256"]),
        n_classes=described["n_classes"],
        image_size=described["image_size"],
        n_channels=described["n_channels"],
        seed=int(result["study"]["seed"]),
        mean=described["mean"],
        std=described["std"],
        backbone_arguments=arguments,
    )
    load_delta(output_dir / "model.safetensors", network)
    first, second = class_names or header["class_names"]
    return SearchOutput(
        result={**result, "cohort": {**(result.get("cohort") or {}), "class_names": [first, second]}},
        network=network.eval(),
        backbone_arguments=arguments,
        preprocessing=header["preprocessing"],
        class_names=(first, second),
        threshold=choose_threshold_of(None, None, output_dir),
    )


def describe(
    source: SearchOutput, *, name: str, version: str = "0.1.0", intended_use: IntendedUse | None = None
) -> ModelDescription:
    """Returns what a bundle says of a search's model.

    Args:
        source: the model.
        name: of the bundle.
        version: of the bundle.
        intended_use: which images it may answer for; by default all.

    Raises:
        ConfigurationError: if name, version or use cannot be used.
    """
    return ModelDescription(
        name=name,
        version=version,
        network=network_arguments(source.network, source.backbone_arguments),
        preprocessing=source.preprocessing,
        class_names=source.class_names,
        threshold=source.threshold,
        intended_use=intended_use or IntendedUse(),
    )


def _told(result: dict[str, Any]) -> dict[str, Any]:
    """Returns the result, if it tells what the documents of an export need."""
    lacking = sorted(_NETWORK - set(result.get("network") or {}))
    if lacking:
        raise ConfigurationError(
            f"result.json does not tell {lacking} of the network, as a search from Python may leave it. Pass "
            "experiment=describe_experiment(...) to search_masks, or search with monai-fairtune search."
        )
    return result


def _require_allowed(backbone: str, allowed: Collection[str]) -> None:
    if needs_own_code(backbone) and backbone not in allowed:
        raise WeightsError(
            f"The search's model.safetensors names the backbone {backbone[:100]!r}, which is code outside timm and "
            "this package. If you trust it, install it and allow it: --allow-backbone NAME."
        )


def _own_weights(result: Mapping[str, Any], sha256: str) -> Path | None:
    if not result["network"]["pretrained"]:
        return None
    if sha256 == TINY_VIT_SHA256:
        return TINY_VIT_WEIGHTS
    raise ConfigurationError(
        f"The model was tuned on weights of SHA-256 {sha256[:12]}..., and the search's folder holds only what was "
        "tuned. Give the file that the search was given: --weights FILE."
    )
