"""The output folder of a search that never ran, with a tiny network that can be exported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from monai_fairtune.cohort import Preprocessing
from monai_fairtune.deploy import IntendedUse
from monai_fairtune.deploy.export import ModelDescription, SearchOutput, describe
from monai_fairtune.masks import FairTuneNetwork, save_delta, tiny_vit
from monai_fairtune.testing.example_result import example_result

BACKBONE = "monai_fairtune.masks.tiny_vit"
SIZE = 16
CLASSES = ("benign", "malignant")
USE = IntendedUse(
    modalities=("DX", "CR"),
    body_parts=("CHEST",),
    views=("PA",),
    min_side=8,
    statement="Finds what the tests look for.",
)


def write_backbone(folder: Path) -> Path:
    """Writes ``weights.safetensors`` of the tiny network, so that it counts as pretrained."""
    path = folder / "weights.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        save_file(tiny_vit(img_size=SIZE).state_dict(), path)
    return path


def write_search_output(folder: Path) -> Path:
    """Writes the weights of a backbone, and in ``output`` what a search that tuned attention leaves."""
    weights, output = write_backbone(folder), folder / "output"
    output.mkdir()
    network = FairTuneNetwork(BACKBONE, weights, image_size=SIZE)
    network.apply_mask(network.anchors()["attention"])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, parameter in network.tuned_parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    save_delta(
        output / "model.safetensors", network, preprocessing=Preprocessing(SIZE).to_dict(), class_names=list(CLASSES)
    )
    attributes = {"age:60": ["[0,60)", "[60,inf)"], "sex": ["female", "male"]}
    result = example_result(attributes, n_trials=12, n_epochs=2, intervals=True)
    result["network"] |= {"backbone": BACKBONE, "backbone_sha256": network.backbone_sha256, "image_size": SIZE}
    (output / "result.json").write_text(json.dumps(result))
    return output


def write_images(folder: Path, n: int = 6) -> list[Path]:
    """Writes small colour pictures of several sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = [folder / f"image_{number}.png" for number in range(n)]
    for number, path in enumerate(paths):
        Image.fromarray(rng.integers(0, 256, (16 + number, 24, 3), dtype=np.uint8)).save(path)
    return paths


def described(source: SearchOutput, name: str = "tiny", version: str = "1.2.0") -> ModelDescription:
    """Returns a description with a use."""
    return describe(source, name=name, version=version, intended_use=USE)


def expected(output: Path, paths: list[Path]) -> np.ndarray:
    """Returns the probabilities by the way that needs no export: the pretrained network with what was tuned."""
    from monai_fairtune.masks import load_delta

    network = FairTuneNetwork(BACKBONE, output.parent / "weights.safetensors", image_size=SIZE)
    load_delta(output / "model.safetensors", network)
    images = torch.stack([Preprocessing(SIZE).decode(path) for path in paths])
    logits = network.eval()(images).detach().double()
    found: np.ndarray = torch.sigmoid(logits[:, 1] - logits[:, 0]).numpy()
    return found
