"""Traced and exported networks give the network's own logits, for any number of images."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_fairtune.masks import FairTuneNetwork
from tests.masks.networks import TINY


def _network(n_channels: int, precision: str) -> FairTuneNetwork:
    built = FairTuneNetwork(
        TINY, image_size=16, n_channels=n_channels, backbone_arguments={"depth": 2}, precision=precision
    )
    built.apply_mask(built.partition("attention").mask(["blocks.1.attention"]))
    return built.eval()


@pytest.fixture(scope="module", params=[(1, "float32"), (3, "float32"), (3, "bfloat16")])
def network(request: pytest.FixtureRequest) -> FairTuneNetwork:
    return _network(*request.param)


@pytest.fixture(scope="module")
def in_float32(network: FairTuneNetwork) -> FairTuneNetwork:
    """The same network in float32: whatever a network computes in, exported it computes in float32."""
    return _network(network.n_channels, "float32")


def test_the_network_can_be_traced(network: FairTuneNetwork, in_float32: FairTuneNetwork, tmp_path: Path) -> None:
    images = torch.rand(5, network.n_channels, 16, 16)
    with warnings.catch_warnings():
        # timm asserts the image size, and torch calls tracing itself deprecated.
        warnings.simplefilter("ignore")
        torch.jit.trace(network, images[:2]).save(str(tmp_path / "network.ts"))  # type: ignore[no-untyped-call]
        traced = torch.jit.load(str(tmp_path / "network.ts"))  # type: ignore[no-untyped-call]
    torch.testing.assert_close(traced(images), in_float32(images))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_network_can_be_exported_to_onnx(
    network: FairTuneNetwork, in_float32: FairTuneNetwork, tmp_path: Path
) -> None:
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
    np.testing.assert_allclose(logits, in_float32(images).detach().numpy(), atol=1e-5)
