"""The network of a config under a mask, or with what was tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from monai_fairtune.bundle.files import read_result
from monai_fairtune.bundle.options import folder, is_absent, number, text
from monai_fairtune.cohort import Preprocessing
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork, find_mask, load_delta, read_delta_metadata, read_mask, save_delta

__all__ = [
    "apply_mask",
    "choose_learning_rate",
    "load_model",
    "model_path",
    "read_model",
    "save_model",
    "write_checkpoint",
]


def apply_mask(network: FairTuneNetwork, mask: object, output_dir: object) -> FairTuneNetwork:
    """Returns the network, which from now on trains what ``mask`` says.

    Args:
        network: with its pretrained weights.
        mask: a file such as ``mask.json``, or an anchor's name such as ``full``; null means ``mask.json`` in
            ``output_dir``, which a search leaves there.
        output_dir: the output folder.

    Raises:
        MaskError: if there is no such mask, or it belongs to another network.
    """
    anchors = network.anchors()
    name = None if is_absent(mask) else text("mask", mask)
    if name in anchors:
        network.apply_mask(anchors[name])
    else:
        network.apply_mask(find_mask(network, read_mask(_mask_path(name, output_dir))))
    return network


def choose_learning_rate(network: FairTuneNetwork, mask: object, learning_rate: object, output_dir: object) -> float:
    """Returns the learning rate to train with: the one given, or the one that was found with the mask.

    Args:
        network: unused but for the names of its anchors.
        mask: as for :func:`apply_mask`.
        learning_rate: the option; null means that of ``result.json`` beside the mask, or for an anchor that of
            the anchor in ``output_dir``.
        output_dir: the output folder.

    Raises:
        ConfigurationError: if none is given and none was found.
    """
    if not is_absent(learning_rate):
        return number("learning_rate", learning_rate)
    name = None if is_absent(mask) else text("mask", mask)
    is_anchor = name in network.anchors()
    place = folder("output_dir", output_dir) if is_anchor else _mask_path(name, output_dir).parent
    result = read_result(place)
    sources = [anchor for anchor in result.get("anchors", []) if anchor["name"] == name] if is_anchor else [result]
    found = [source["hyperparameters"]["learning_rate"] for source in sources if "hyperparameters" in source]
    if not found:
        raise ConfigurationError(
            "No learning rate is given, and no result.json lies beside the mask. Pass one: --learning_rate 1e-4."
        )
    return float(found[0])


def load_model(
    network: FairTuneNetwork, model: object, preprocessing: Preprocessing, output_dir: object
) -> FairTuneNetwork:
    """Returns the network with what a search or a training tuned.

    Args:
        network: built with the options that the model was tuned with.
        model: the file; null means ``model.safetensors`` in ``output_dir``.
        preprocessing: the config's, which must be the model's.
        output_dir: the output folder.

    Raises:
        WeightsError: if the file is absent or belongs to another network.
        ConfigurationError: if the images would be prepared in another way.
    """
    header = load_delta(model_path(model, output_dir), network)
    if header["preprocessing"] != preprocessing.to_dict():
        raise ConfigurationError(
            f"The model was tuned on images prepared as {header['preprocessing']}, and the config prepares them as "
            f"{preprocessing.to_dict()}. Pass the options that it was tuned with."
        )
    return network


def save_model(
    network: FairTuneNetwork,
    model_dir: str,
    *,
    preprocessing: Preprocessing,
    class_names: Sequence[str],
    rank: int = 0,
) -> None:
    """Writes ``model.safetensors`` beside a training's best checkpoint: what was tuned, mask, preprocessing, classes.

    Args:
        network: under the mask that was trained; it takes the checkpoint's weights.
        model_dir: holds ``model.pt``, the network's state.
        preprocessing: what was done to the images.
        class_names: in the order of the logits.
        rank: of this process; only the first writes.
    """
    if rank == 0:
        path = Path(model_dir)
        state = torch.load(path / "model.pt", map_location="cpu", weights_only=True)
        network.load_state_dict(state)
        save_delta(path / "model.safetensors", network, preprocessing=preprocessing.to_dict(), class_names=class_names)


def write_checkpoint(network: FairTuneNetwork, path: str) -> None:
    """Writes the whole network as ``ckpt_export`` and ``onnx_export`` read it: plain tensors by name."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    torch.save(state, path)


def model_path(model: object, output_dir: object) -> Path:
    """Returns the file of a tuned model; null means ``model.safetensors`` in ``output_dir``."""
    if is_absent(model):
        return folder("output_dir", output_dir) / "model.safetensors"
    return Path(text("model", model)).expanduser()


def read_model(model: object, output_dir: object) -> Mapping[str, Any]:
    """Returns the header of a tuned model: backbone, mask, preprocessing, class names."""
    return read_delta_metadata(model_path(model, output_dir))


def _mask_path(name: str | None, output_dir: object) -> Path:
    return folder("output_dir", output_dir) / "mask.json" if name is None else Path(name).expanduser()
