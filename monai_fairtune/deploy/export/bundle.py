"""From a search's answer to a MONAI bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from monai_fairtune.deploy.export.config import LOGGING, inference_config
from monai_fairtune.deploy.export.description import ModelDescription
from monai_fairtune.deploy.export.documents import write_card, write_json, write_metadata
from monai_fairtune.deploy.export.exported_model import METADATA, WEIGHTS, ExportedModel
from monai_fairtune.deploy.export.graphs import SUFFIXES, graph_logits, write_graph
from monai_fairtune.deploy.export.options import Exported, ExportOptions
from monai_fairtune.deploy.export.parity import Reference, reference
from monai_fairtune.deploy.export.readme import readme
from monai_fairtune.deploy.export.sealed_files import checksums, pack, seal
from monai_fairtune.deploy.export.search_output import SearchOutput
from monai_fairtune.deploy.export.staging import staged
from monai_fairtune.masks import FairTuneNetwork

__all__ = ["export_bundle"]

_CHECKPOINT = "models/model.pt"


def export_bundle(
    source: SearchOutput,
    description: ModelDescription,
    output: Path,
    options: ExportOptions = ExportOptions(),  # noqa: B008 - immutable
) -> Exported:
    """Writes a model as a MONAI bundle, all or nothing, after it was compared with the search's own network.

    The same model and options give the same bytes on the same machine.

    Args:
        source: the model.
        description: what the bundle says of it.
        output: a zip if its name ends in ``.zip``, with one folder of the bundle's name in it; else the folder.
        options: what else it shall hold.

    Raises:
        ConfigurationError: if something lies at ``output``, or a text would be code in a MONAI config.
        ExportError: if the written model gives other probabilities.
    """
    with staged(output) as temporary, reference(source, options.images) as compared:
        folder = temporary / description.name
        metadata = _write_model(folder, source, description, options)
        seal(folder)
        found = _compare(folder, description, options, compared)
        (folder / "docs").mkdir()
        (folder / "docs" / "README.md").write_text(readme(description, options.graphs), encoding="utf-8")
        write_card(folder / "docs" / "model_card.html", source, metadata, checksums(folder), compared, options)
        sha256 = seal(folder)
        if output.suffix == ".zip":
            pack(folder, temporary / "packed.zip", description.name)
            (temporary / "packed.zip").replace(output)
        else:
            folder.replace(output)
    return Exported(output, sha256, found, len(compared.paths), compared.kind)


def _write_model(
    folder: Path, source: SearchOutput, description: ModelDescription, options: ExportOptions
) -> dict[str, Any]:
    from safetensors.torch import save_file

    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True)
    metadata = write_metadata(folder / METADATA, source, description, options)
    config = write_json(folder / "configs" / "inference.json", inference_config(description))
    (folder / "configs" / "logging.conf").write_text(LOGGING, encoding="utf-8")
    (folder / "LICENSE").write_bytes(options.licence_text())
    state = source.state()
    save_file(state, folder / WEIGHTS)
    torch.save(state, folder / _CHECKPOINT)
    texts = {"metadata.json": metadata, "inference.json": config}
    for kind in options.graphs:
        write_graph(kind, source.network, folder / _graph_name(kind), texts)
    return metadata


def _compare(
    folder: Path, description: ModelDescription, options: ExportOptions, compared: Reference
) -> Mapping[str, float]:
    model = ExportedModel.load(folder, allowed_backbones=[description.network["backbone"]])
    found = {WEIGHTS: compared.check(WEIGHTS, model.probabilities(compared.paths))}
    network = FairTuneNetwork(**description.network).eval()
    network.load_state_dict(torch.load(folder / _CHECKPOINT, weights_only=True))
    found[_CHECKPOINT] = compared.check_logits(_CHECKPOINT, network)
    for kind in options.graphs:
        name = _graph_name(kind)
        found[name] = compared.check_logits(name, graph_logits(kind, folder / name))
    return found


def _graph_name(kind: str) -> str:
    return f"models/model{SUFFIXES[kind]}"
