"""The documents of an exported model: metadata, model card, README."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_fairtune.deploy.export.description import KEY, ModelDescription
from monai_fairtune.deploy.export.metadata import bundle_metadata
from monai_fairtune.deploy.export.options import ExportOptions
from monai_fairtune.deploy.export.parity import TOLERANCE, Reference
from monai_fairtune.deploy.export.search_output import SearchOutput
from monai_fairtune.report import ModelFacts, Reading, write_model_card
from monai_fairtune.report.cohort_card.reading import Card

__all__ = ["write_card", "write_json", "write_metadata"]


def write_json(path: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Writes plain JSON, and returns it."""
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return dict(data)


def write_metadata(
    path: Path, source: SearchOutput, description: ModelDescription, options: ExportOptions
) -> dict[str, Any]:
    """Writes the metadata of an exported model, and returns it."""
    return write_json(path, bundle_metadata(description, source.result["test"], options.authors))


def write_card(
    page: Path,
    source: SearchOutput,
    metadata: Mapping[str, Any],
    sha256: Mapping[str, str],
    compared: Reference,
    options: ExportOptions,
) -> None:
    """Writes the model card, as HTML at ``page`` and as Markdown beside it.

    Args:
        page: the path of the page.
        source: the model.
        metadata: that it is exported with.
        sha256: of its files, by name.
        compared: the images on which each of its forms was compared with the search's network.
        options: of the export.
    """
    kind = {"random": "images of noise", "given": "given images"}[compared.kind]
    facts = ModelFacts(
        reading=Reading(source.result),
        name=metadata["name"],
        version=metadata["version"],
        authors=metadata["authors"],
        intended_use=metadata[KEY]["intended_use"],
        checked=f"When it was exported, each form of the network below gave the probabilities of the search's own "
        f"network on {len(compared.paths)} {kind}, to within {TOLERANCE:g}. It computes in float32.",
        versions={
            "monai": metadata["monai_version"],
            "torch": metadata["pytorch_version"],
            **metadata["required_packages_version"],
        },
        sha256=sha256,
        cohort=None if options.cohort_card is None else Card(options.cohort_card),
    )
    write_model_card(facts, page)
