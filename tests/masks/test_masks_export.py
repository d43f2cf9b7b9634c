"""Traced and exported networks give the network's own logits, for any number of images."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_fairtune.masks import FairTuneNetwork

TINY = "monai_fairtune.masks.tiny_vit.tiny_vit"


@pytest.fixture(scope="module", params=[1, 3])
def network(request: pytest.FixtureRequest) -> FairTuneNetwork:
    built = FairTuneNetwork(TINY, image_size=16, n_channels=request.param, backbone_arguments={"depth": 2})
    built.apply_mask(built.partition("attention").mask(["blocks.1.attention"]))
    return built.eval()


def test_the_network_can_be_traced(network: FairTuneNetwork, tmp_path: Path) -> None:
    images = torch.rand(5, network.n_channels, 16, 16)
    with warnings.catch_warnings():
        # timm asserts the image size, and torch calls tracing itself deprecated.
        warnings.simplefilter("ignore")
        torch.jit.trace(network, images[:2]).save(str(tmp_path / "network.ts"))  # type: ignore[no-untyped-call]
        traced = torch.jit.load(str(tmp_path / "network.ts"))  # type: ignore[no-untyped-call]
    torch.testing.assert_close(traced(images), network(images))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_network_can_be_exported_to_onnx(network: FairTuneNetwork, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    images = torch.rand(5, network.n_channels, 16, 16)
    path = tmp_path / "network.onnx"
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        network, (images[:2],), str(path), dynamo=True, dynamic_shapes={"images": {0: batch}}, verbose=False
    )
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    np.testing.assert_allclose(logits, network(images).detach().numpy(), atol=1e-5)
