"""A search's answer as something to install elsewhere: a MONAI bundle, ONNX, TorchScript."""

from monai_fairtune.deploy.export.bundle import export_bundle
from monai_fairtune.deploy.export.description import ModelDescription
from monai_fairtune.deploy.export.exported_model import ExportedModel
from monai_fairtune.deploy.export.graph_file import export_graph
from monai_fairtune.deploy.export.graphs import SUFFIXES
from monai_fairtune.deploy.export.options import Exported, ExportOptions
from monai_fairtune.deploy.export.parity import TOLERANCE
from monai_fairtune.deploy.export.search_output import SearchOutput, describe, read_search_output
from monai_fairtune.deploy.export.withholding import without_small_cells

__all__ = [
    "SUFFIXES",
    "TOLERANCE",
    "ExportOptions",
    "Exported",
    "ExportedModel",
    "ModelDescription",
    "SearchOutput",
    "describe",
    "export_bundle",
    "export_graph",
    "read_search_output",
    "without_small_cells",
]
