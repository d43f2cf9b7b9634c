"""A search's answer as something to install elsewhere: a MONAI bundle, ONNX, TorchScript."""

from monai_fairtune.deploy.export.bundle import export_bundle
from monai_fairtune.deploy.export.description import ModelDescription
from monai_fairtune.deploy.export.exported_model import ExportedModel
from monai_fairtune.deploy.export.search_output import SearchOutput, describe, read_search_output

__all__ = ["ExportedModel", "ModelDescription", "SearchOutput", "describe", "export_bundle", "read_search_output"]
