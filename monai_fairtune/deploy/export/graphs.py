"""A network as a graph that runs without this package: TorchScript, ONNX."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from monai_fairtune.deploy.export.sealed_files import zip_entry
from monai_fairtune.exceptions import ConfigurationError
from monai_fairtune.masks import FairTuneNetwork

__all__ = ["SUFFIXES", "graph_logits", "write_graph"]

SUFFIXES = {"onnx": ".onnx", "torchscript": ".ts"}
"""Formats and the endings of their files."""

_INPUT, _OUTPUT = "image", "pred"


def write_graph(kind: str, network: FairTuneNetwork, path: Path, texts: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes a network as a graph: images ``(B, C, H, W)`` in [0, 1] to logits ``(B, 2)``, any batch size.

    Nothing in the file tells where it was made.

    Args:
        kind: ``"onnx"`` or ``"torchscript"``.
        network: in evaluation mode, on the CPU.
        path: the file.
        texts: plain JSON to keep within the file, by name, such as ``metadata.json``.

    Raises:
        ConfigurationError: if the packages for ONNX are not installed.
    """
    size, n_channels = network.image_size, network.n_channels
    example = torch.rand(2, n_channels, size, size, generator=torch.Generator().manual_seed(0))
    content = {name: json.dumps(value, ensure_ascii=False) for name, value in texts.items()}
    with warnings.catch_warnings():
        # torch deprecates its own TorchScript, and warns of each shape that it takes as constant: parity is checked.
        warnings.simplefilter("ignore")
        {"onnx": _write_onnx, "torchscript": _write_torchscript}[kind](network, example, path, content)


def graph_logits(kind: str, path: Path) -> Callable[[Tensor], Tensor]:
    """Returns what computes the logits of a batch on the CPU, by the file that ``write_graph`` wrote."""
    if kind == "torchscript":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded: Callable[[Tensor], Tensor] = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
        return loaded
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run([_OUTPUT], {_INPUT: images.numpy()})[0])


def _write_torchscript(network: FairTuneNetwork, example: Tensor, path: Path, content: Mapping[str, str]) -> None:
    buffer = io.BytesIO()
    with torch.no_grad():
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
    torch.jit.save(traced, buffer, dict(content))
    # What is for debuggers holds the paths of source files on this machine.
    with zipfile.ZipFile(buffer) as saved, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in saved.namelist():
            if not name.endswith(".debug_pkl"):
                archive.writestr(zip_entry(name), saved.read(name))


def _write_onnx(network: FairTuneNetwork, example: Tensor, path: Path, content: Mapping[str, str]) -> None:
    try:
        import onnx
        import onnxruntime  # noqa: F401 - parity is checked with it
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise ConfigurationError(
            f"ONNX needs the package {error.name}, which is not installed. Run pip install 'monai-fairtune[deploy]'."
        ) from error
    program = torch.onnx.export(
        network,
        (example,),
        input_names=[_INPUT],
        output_names=[_OUTPUT],
        dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
        dynamo=True,
        verbose=False,
    )
    model = program.model_proto  # type: ignore[union-attr]
    for part in _annotated(model):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.helper.set_model_props(model, dict(content))
    path.write_bytes(model.SerializeToString(deterministic=True))


def _annotated(model: Any) -> list[Any]:
    """Returns every part of an ONNX model that the exporter describes: names of this run, places in source files."""
    graph = model.graph
    return [model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]
