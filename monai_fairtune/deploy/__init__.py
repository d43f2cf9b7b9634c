"""From a search's answer to where images are: export, inference on DICOM."""

from monai_fairtune.deploy.classifier import ImageClassifier, IntendedUse, ModelIdentity

__all__ = ["ImageClassifier", "IntendedUse", "ModelIdentity"]
