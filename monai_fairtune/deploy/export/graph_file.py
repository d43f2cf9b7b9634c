"""From a search's answer to one ONNX or TorchScript file, with its documents beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai_fairtune.deploy.export.description import ModelDescription
from monai_fairtune.deploy.export.documents import write_card, write_metadata
from monai_fairtune.deploy.export.graphs import graph_logits, write_graph
from monai_fairtune.deploy.export.options import Exported, ExportOptions
from monai_fairtune.deploy.export.parity import reference
from monai_fairtune.deploy.export.sealed_files import SUMS, checksums, seal
from monai_fairtune.deploy.export.search_output import SearchOutput
from monai_fairtune.deploy.export.staging import staged

__all__ = ["export_graph"]


def export_graph(
    kind: str,
    source: SearchOutput,
    description: ModelDescription,
    output: Path,
    options: ExportOptions = ExportOptions(),  # noqa: B008 - immutable
) -> Exported:
    """Writes a model as one graph, and beside it, under the same name, metadata, model card, licence and checksums.

    The metadata, within the file as well, tells how images are prepared: the graph takes images in [0, 1] at their
    size and normalises them itself.

    Args:
        kind: ``"onnx"`` or ``"torchscript"``.
        source: the model.
        description: what the metadata say of it.
        output: the file.
        options: what else is given.

    Raises:
        ConfigurationError: if something lies there already, or ONNX's packages are not installed.
        ExportError: if the written model gives other probabilities.
    """
    endings = {".json", ".html", ".md", ".licence", ".sha256"}
    outputs = [output, *(output.with_suffix(ending) for ending in sorted(endings))]
    with staged(*outputs) as folder, reference(source, options.images) as compared:
        path = folder / output.name
        metadata = write_metadata(path.with_suffix(".json"), source, description, options)
        path.with_suffix(".licence").write_bytes(options.licence_text())
        write_graph(kind, source.network, path, {"metadata.json": metadata})
        found = {path.name: compared.check_logits(path.name, graph_logits(kind, path))}
        write_card(path.with_suffix(".html"), source, metadata, checksums(folder), compared, options)
        sha256 = seal(folder)
        (folder / SUMS).rename(path.with_suffix(".sha256"))
        _move(folder, outputs)
    return Exported(output, sha256, found, len(compared.paths), compared.kind)


def _move(folder: Path, outputs: Sequence[Path]) -> None:
    """Moves each file to its place, the graph last; if one cannot be moved, none stays there."""
    moved: list[Path] = []
    try:
        for output in reversed(outputs):
            (folder / output.name).replace(output)
            moved.append(output)
    except OSError:
        for output in moved:
            output.unlink()
        raise
