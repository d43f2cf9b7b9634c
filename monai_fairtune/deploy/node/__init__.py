"""A DICOM node that answers the studies it receives, and a client of DICOMweb archives."""

from monai_fairtune.deploy.node.answering import StudyAnswerer
from monai_fairtune.deploy.node.dicomweb import DicomWebArchive
from monai_fairtune.deploy.node.logs import configure_logs
from monai_fairtune.deploy.node.node import Node
from monai_fairtune.deploy.node.settings import NodeLimits, NodeSettings, RemoteNode, tls_contexts

__all__ = [
    "DicomWebArchive",
    "Node",
    "NodeLimits",
    "NodeSettings",
    "RemoteNode",
    "StudyAnswerer",
    "configure_logs",
    "tls_contexts",
]
