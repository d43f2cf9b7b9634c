"""The few elements of a header that an answer rests on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_fairtune.deploy.dicom.refusal import Reason, Refusal

__all__ = ["IDENTITY", "PATIENT_AND_STUDY", "check_identity", "identity_of", "n_frames", "parse_header", "text_of"]

PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
    "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
)  # fmt: skip
"""What a report of the same study repeats."""

IDENTITY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "PatientAge", *PATIENT_AND_STUDY)
"""Keywords of what leaves the process that reads."""

_CHECKED = (
    "SpecificCharacterSet", "Modality", "BodyPartExamined", "ViewPosition", "ImageType", "BurnedInAnnotation",
    "PresentationIntentType", "ConversionType", "Rows", "Columns", "NumberOfFrames", "PhotometricInterpretation",
)  # fmt: skip
# An archive may tell " 007" from "007", though DICOM calls the blank padding: what is written again keeps it.
_WITH_BLANKS = ("LO", "PN", "SH")
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


def parse_header(path: Path) -> Any:
    """Returns a file's header as a pydicom dataset: the elements that are used, and no pixels.

    Raises:
        Exception: what pydicom raises, see ``foreign_errors``.
    """
    from pydicom import dcmread

    with path.open("rb") as file:
        return dcmread(file, stop_before_pixels=True, specific_tags=[*IDENTITY, *_CHECKED])


def identity_of(dataset: Any) -> dict[str, str]:
    """Returns the elements of ``IDENTITY`` as text; empty where they are absent or break the rules of their type.

    Names, ids and numbers keep the blanks in front of them, which mean nothing where they are compared.
    """
    return {keyword: _valid(dataset, keyword) for keyword in IDENTITY}


def check_identity(identity: Mapping[str, str], dataset: Any) -> Refusal | None:
    """Returns a refusal unless a report can refer to the image and to its patient."""
    broken = [keyword for keyword in _NEEDED if not identity[keyword]]
    if text_of(dataset, "PatientID") and not identity["PatientID"]:
        broken.append("PatientID")
    if broken:
        return Refusal(
            Reason.NOT_IDENTIFIED, f"Its {', '.join(broken)} is absent or not as DICOM requires. Repair its header."
        )
    return None


def n_frames(dataset: Any) -> int:
    """Returns how many frames an image has."""
    return int(dataset.get("NumberOfFrames") or 1)


def text_of(dataset: Any, keyword: str) -> str:
    """Returns an element as text in capitals, several values joined by a backslash; blank where it is absent."""
    return _text(dataset.get(keyword)).strip().upper()


def _text(value: Any) -> str:
    if value is None:
        return ""
    several = not isinstance(value, str) and hasattr(value, "__iter__") and not hasattr(value, "components")
    return "\\".join(map(str, value)) if several else str(value)


def _valid(dataset: Any, keyword: str) -> str:
    from pydicom.config import RAISE
    from pydicom.datadict import dictionary_VR
    from pydicom.valuerep import validate_value

    kind, value = dictionary_VR(keyword), _text(dataset.get(keyword))
    text = value.rstrip() if kind in _WITH_BLANKS else value.strip()
    try:
        validate_value(kind, text, RAISE)
    except ValueError:
        return ""
    return text if text.isprintable() and "\\" not in text else ""
