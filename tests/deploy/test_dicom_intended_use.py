from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import MultiFrameGrayscaleByteSecondaryCaptureImageStorage

from monai_fairtune.deploy import IntendedUse
from monai_fairtune.deploy.dicom import Frame, ImageReader, ReadingRules
from monai_fairtune.deploy.dicom.intended_use import WAIVABLE
from monai_fairtune.deploy.dicom.pixel_quality import check_pixels
from tests.deploy.dicom_files import STORAGE, picture, write_image
from tests.deploy.hostile_files import encoded, lawless, write

CHEST = IntendedUse(modalities=("DX", "CR"), body_parts=("CHEST",), views=("PA", "AP"), min_side=32)


def _chest(allows: tuple[str, ...] = (), frame: Frame | None = None) -> ReadingRules:
    use = IntendedUse(CHEST.modalities, CHEST.body_parts, CHEST.views, CHEST.min_side, allows)
    return ReadingRules(use, frame=frame)


@pytest.fixture(scope="module")
def strict() -> Iterator[ImageReader]:
    with ImageReader(_chest()) as reader:
        yield reader


@pytest.fixture(scope="module")
def lenient() -> Iterator[ImageReader]:
    with ImageReader(_chest(WAIVABLE)) as reader:
        yield reader


@pytest.fixture(scope="module")
def anything() -> Iterator[ImageReader]:
    with ImageReader(ReadingRules()) as reader:
        yield reader


def _reason(reader: ImageReader, path: Path) -> str | None:
    refusal = reader.read(path, path.with_suffix(".npy")).refusal
    return None if refusal is None else refusal.reason.value


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({}, None),
        ({"modality": "CR", "ViewPosition": "AP"}, None),
        ({"modality": "MG"}, "modality"),
        ({"Modality": None}, "modality"),
        ({"BodyPartExamined": "HAND"}, "body_part"),
        ({"BodyPartExamined": None}, "body_part"),
        ({"ViewPosition": "LL"}, "view"),
        ({"ViewPosition": ""}, "view"),
        ({"PhotometricInterpretation": "HSV"}, "photometric_interpretation"),
        ({"pixels": picture(side=31)}, "too_small"),
        ({"pixels": np.stack([picture(), picture()])}, "multi_frame"),
        ({"PixelData": None, "Rows": None}, "no_pixels"),
        ({"pixels": np.full((32, 32), 200, np.uint8)}, "constant"),
    ],
)
def test_an_image_outside_the_intended_use_is_refused_for_its_reason(
    tmp_path: Path, strict: ImageReader, elements: dict[str, Any], reason: str | None
) -> None:
    assert _reason(strict, write_image(tmp_path / "a.dcm", **elements)) == reason


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"modality": "OT", "Modality": "DX"}, "secondary_capture"),
        ({"SOPClassUID": MultiFrameGrayscaleByteSecondaryCaptureImageStorage}, "secondary_capture"),
        ({"ConversionType": "WSD"}, "secondary_capture"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["DERIVED", "PRIMARY"]}, "derived"),
        ({"ImageType": ["DERIVED", "SECONDARY"], "PresentationIntentType": "FOR PRESENTATION"}, "derived"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "for_processing"),
        ({"BurnedInAnnotation": "YES"}, "burned_in_annotation"),
    ],
)
def test_what_is_not_an_image_as_acquired_is_refused_unless_the_model_allows_it(
    tmp_path: Path, strict: ImageReader, lenient: ImageReader, elements: dict[str, Any], reason: str
) -> None:
    path = write_image(tmp_path / "a.dcm", **elements)
    assert (_reason(strict, path), _reason(lenient, path)) == (reason, None)


def test_a_digital_radiograph_for_presentation_is_not_refused_as_derived(tmp_path: Path, strict: ImageReader) -> None:
    path = write_image(tmp_path / "a.dcm", ImageType=["DERIVED", "PRIMARY"], PresentationIntentType="FOR PRESENTATION")
    assert _reason(strict, path) is None


@pytest.mark.parametrize("modality", [name for name in STORAGE if name != "OT"])
def test_images_as_acquired_of_any_modality_are_answered_for(
    tmp_path: Path, anything: ImageReader, modality: str
) -> None:
    assert _reason(anything, write_image(tmp_path / "a.dcm", modality=modality)) is None


def test_capitals_do_not_matter(tmp_path: Path, strict: ImageReader) -> None:
    path = write(tmp_path / "a.dcm", encoded(lawless(BodyPartExamined="Chest ", ViewPosition="pa")))
    assert _reason(strict, path) is None


def test_a_model_without_an_intended_use_answers_for_any_body_part_and_view(
    tmp_path: Path, anything: ImageReader
) -> None:
    path = write_image(tmp_path / "a.dcm", modality="MR", BodyPartExamined="FOOT", ViewPosition=None)
    assert _reason(anything, path) is None


@pytest.mark.parametrize(("frame", "reason"), [("middle", None), (1, None), (3, None), (4, "multi_frame")])
def test_a_frame_is_read_where_there_is_one_of_its_number(tmp_path: Path, frame: Frame, reason: str | None) -> None:
    cine = write_image(tmp_path / "cine.dcm", np.stack([picture(0.3 + 0.1 * n) for n in range(3)]))
    with ImageReader(_chest(frame=frame)) as reader:
        assert _reason(reader, cine) == reason
        assert _reason(reader, write_image(tmp_path / "single.dcm")) is None


def test_pixels_that_show_nothing_are_refused() -> None:
    noise = np.random.default_rng(0).random((3, 64, 64)).astype(np.float32)
    half_black = np.where(np.arange(64) < 32, 0, noise).astype(np.float32)
    shown = {
        "an image": (noise, None),
        "half of it black": (half_black, None),
        "one value": (np.full((3, 8, 8), 0.3), "constant"),
        "one colour": (np.stack([np.full((8, 8), value) for value in (0.1, 0.5, 0.9)]), "constant"),
        "nearly one value": (0.5 + 0.01 * (noise - 0.5), "near_blank"),
        "black and white": (np.round(noise), "saturated"),
        "not finite": (np.where(noise > 0.9, np.nan, noise), "unreadable"),
    }
    for name, (pixels, reason) in shown.items():
        refusal = check_pixels(pixels.astype(np.float32))
        assert (None if refusal is None else refusal.reason.value) == reason, name
