"""From a search's answer to a MONAI bundle."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from monai_fairtune.deploy.export.config import inference_config
from monai_fairtune.deploy.export.description import ModelDescription
from monai_fairtune.deploy.export.exported_model import METADATA, WEIGHTS
from monai_fairtune.deploy.export.metadata import bundle_metadata
from monai_fairtune.deploy.export.sealed_files import pack, seal
from monai_fairtune.deploy.export.search_output import SearchOutput
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["export_bundle"]


def export_bundle(source: SearchOutput, description: ModelDescription, output: Path) -> Path:
    """Writes a model as a MONAI bundle, all or nothing; the same model gives the same bytes.

    Args:
        source: the model.
        description: what the bundle says of it.
        output: a zip if its name ends in ``.zip``, with one folder of the bundle's name in it; else the folder.

    Returns:
        ``output``.

    Raises:
        ConfigurationError: if something lies at ``output``, or a text would be code in a MONAI config.
    """
    if output.exists():
        raise ConfigurationError(f"'{output}' exists already. Give another --output, or remove it first.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".export-") as temporary:
        folder = Path(temporary) / description.name
        _write_files(folder, source, description)
        seal(folder)
        if output.suffix != ".zip":
            return folder.replace(output)
        packed = Path(temporary) / "packed.zip"
        pack(folder, packed, description.name)
        return packed.replace(output)


def _write_files(folder: Path, source: SearchOutput, description: ModelDescription) -> None:
    from safetensors.torch import save_file

    for name in ("configs", "models", "docs"):
        (folder / name).mkdir(parents=True)
    _write_json(folder / METADATA, bundle_metadata(description, source.result["test"]))
    _write_json(folder / "configs" / "inference.json", inference_config(description))
    state = source.state()
    save_file(state, folder / WEIGHTS)
    torch.save(state, folder / "models" / "model.pt")


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
