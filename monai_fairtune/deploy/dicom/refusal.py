"""Why a file gets no answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Reason", "Refusal"]


class Reason(str, Enum):
    """Codes of refusals, stable across versions."""

    NOT_DICOM = "not_dicom"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    NO_PIXELS = "no_pixels"
    NOT_IDENTIFIED = "not_identified"
    MULTI_FRAME = "multi_frame"
    PHOTOMETRIC_INTERPRETATION = "photometric_interpretation"
    MODALITY = "modality"
    BODY_PART = "body_part"
    VIEW = "view"
    TOO_SMALL = "too_small"
    SECONDARY_CAPTURE = "secondary_capture"
    LOCALIZER = "localizer"
    DERIVED = "derived"
    FOR_PROCESSING = "for_processing"
    BURNED_IN_ANNOTATION = "burned_in_annotation"
    CONSTANT = "constant"
    NEAR_BLANK = "near_blank"
    SATURATED = "saturated"
    DUPLICATE = "duplicate"
    MIXED_PATIENTS = "mixed_patients"
    NO_PROBABILITY = "no_probability"


@dataclass(frozen=True)
class Refusal:
    """Why a file gets no answer.

    Attributes:
        reason: for programs.
        sentence: for people. It quotes no text of the file, which may be a patient's name, and no path.
    """

    reason: Reason
    sentence: str
