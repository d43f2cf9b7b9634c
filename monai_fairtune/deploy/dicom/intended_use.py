"""Whether a model may answer for an image, by what the image's header says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from monai_fairtune.cohort.decoding.dicom import COLOUR, GREY
from monai_fairtune.deploy.classifier import IntendedUse
from monai_fairtune.deploy.dicom.header import n_frames, text_of
from monai_fairtune.deploy.dicom.refusal import Reason, Refusal
from monai_fairtune.deploy.dicom.rules import Frame, ReadingRules
from monai_fairtune.exceptions import ConfigurationError

__all__ = ["WAIVABLE", "check_header", "chosen_frame", "require_known_waivers"]

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

Claim = Callable[[Any], bool]


def _value(dataset: Any, place: int) -> str:
    """Returns a value of Image Type, by its place from 0."""
    values = text_of(dataset, "ImageType").split("\\")
    return values[place].strip() if place < len(values) else ""


def _is_secondary_capture(dataset: Any) -> bool:
    kind = text_of(dataset, "SOPClassUID")
    is_of_class = kind == _SECONDARY_CAPTURE or kind.startswith(f"{_SECONDARY_CAPTURE}.")
    return is_of_class or bool(text_of(dataset, "ConversionType"))


def _is_localizer(dataset: Any) -> bool:
    return {"LOCALIZER", "SCOUT"} & set(text_of(dataset, "ImageType").split("\\")) != set()


def _is_derived(dataset: Any) -> bool:
    """Digital X-ray images for presentation are derived from those for processing, and are what is looked at."""
    is_shown = text_of(dataset, "PresentationIntentType") == "FOR PRESENTATION"
    return _value(dataset, 1) == "SECONDARY" or (_value(dataset, 0) == "DERIVED" and not is_shown)


_WAIVABLE: dict[Reason, tuple[Claim, str]] = {
    Reason.SECONDARY_CAPTURE: (_is_secondary_capture, "It is a secondary capture, not an image as it was acquired."),
    Reason.LOCALIZER: (_is_localizer, "It is a localizer."),
    Reason.DERIVED: (_is_derived, "It is derived from other images, not as it was acquired."),
    Reason.FOR_PROCESSING: (
        lambda dataset: text_of(dataset, "PresentationIntentType") == "FOR PROCESSING",
        "It is raw data for processing, not the image that is looked at.",
    ),
    Reason.BURNED_IN_ANNOTATION: (
        lambda dataset: text_of(dataset, "BurnedInAnnotation") == "YES",
        "Text is burned into its pixels.",
    ),
}

WAIVABLE = tuple(reason.value for reason in _WAIVABLE)
"""What ``IntendedUse.allows`` may name."""


def require_known_waivers(use: IntendedUse) -> None:
    """Refuses an intended use that allows what does not exist.

    Raises:
        ConfigurationError: naming it.
    """
    unknown = sorted(set(use.allows) - set(WAIVABLE))
    if unknown:
        raise ConfigurationError(f"The intended use allows {unknown}. What it can allow is {', '.join(WAIVABLE)}.")


def check_header(dataset: Any, rules: ReadingRules) -> Refusal | None:
    """Returns why an image is outside the intended use or the limits, or None: the first reason that holds.

    Args:
        dataset: its header, see ``parse_header``.
        rules: with the intended use.
    """
    return next(_refusals(dataset, rules), None)


def chosen_frame(n: int, frame: Frame | None) -> int | None:
    """Returns the number, from 1, of the frame to read of ``n``; None where there is one only.

    Example:
        >>> chosen_frame(1, "middle"), chosen_frame(4, "middle"), chosen_frame(4, 3)
        (None, 2, 3)
    """
    if n <= 1 or frame is None:
        return None
    return (n + 1) // 2 if frame == "middle" else frame


def _refusals(dataset: Any, rules: ReadingRules) -> Iterator[Refusal]:
    yield from _by_form(dataset, rules)
    use = rules.use
    for reason, keyword, expected, what in (
        (Reason.MODALITY, "Modality", use.modalities, "modality"),
        (Reason.BODY_PART, "BodyPartExamined", use.body_parts, "body part"),
        (Reason.VIEW, "ViewPosition", use.views, "view"),
    ):
        found = text_of(dataset, keyword)
        if expected and found not in expected:
            recorded = "not recorded" if not found else "another"
            yield Refusal(
                reason, f"The model is for the {what} {' or '.join(expected)}; that of the image is {recorded}."
            )
    for reason, (holds, sentence) in _WAIVABLE.items():
        if reason.value not in use.allows and holds(dataset):
            yield Refusal(reason, f"{sentence} The model is not for such images.")


def _by_form(dataset: Any, rules: ReadingRules) -> Iterator[Refusal]:
    n_rows, n_columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if not n_rows or not n_columns:
        yield Refusal(Reason.NO_PIXELS, "It is a DICOM object without an image, such as a report or a directory.")
    if n_rows * n_columns > rules.limits.n_pixels:
        yield Refusal(
            Reason.TOO_LARGE, f"It has {n_rows} x {n_columns} pixels, more than the {rules.limits.n_pixels} allowed."
        )
    if min(n_rows, n_columns) < rules.use.min_side:
        yield Refusal(
            Reason.TOO_SMALL,
            f"It has {n_rows} x {n_columns} pixels; the model is for images with {rules.use.min_side} or more a side.",
        )
    n = n_frames(dataset)
    if n > 1 and rules.frame is None:
        yield Refusal(Reason.MULTI_FRAME, f"It holds {n} frames. Say which one is the image, or send it by itself.")
    elif isinstance(rules.frame, int) and 1 < n < rules.frame:
        yield Refusal(Reason.MULTI_FRAME, f"It holds {n} frames and not the {rules.frame} of the frame asked for.")
    if text_of(dataset, "PhotometricInterpretation") not in (*GREY, *COLOUR):
        yield Refusal(
            Reason.PHOTOMETRIC_INTERPRETATION, f"Its pixels mean none of {', '.join((*GREY, *COLOUR))}. Convert it."
        )
