"""DICOM images in, probabilities and structured reports out."""

from monai_fairtune.deploy.dicom.image_reader import ImageReader
from monai_fairtune.deploy.dicom.inference import ImageAnswer, StudyAnswer, answer_study
from monai_fairtune.deploy.dicom.pseudonyms import find_pseudonyms
from monai_fairtune.deploy.dicom.refusal import Reason, Refusal
from monai_fairtune.deploy.dicom.rules import Frame, ReadingLimits, ReadingRules
from monai_fairtune.deploy.dicom.run import RunSummary, answer_files

__all__ = [
    "Frame",
    "ImageAnswer",
    "ImageReader",
    "ReadingLimits",
    "ReadingRules",
    "Reason",
    "Refusal",
    "RunSummary",
    "StudyAnswer",
    "answer_files",
    "answer_study",
    "find_pseudonyms",
]
