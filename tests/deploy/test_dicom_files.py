from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from monai_fairtune.deploy import ImageClassifier
from monai_fairtune.testing.classifiers import BrightnessClassifier
from tests.deploy.dicom_files import picture, write_image

SYNTAXES = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEG2000Lossless,
    JPEGLSLossless, JPEGBaseline8Bit,
]  # fmt: skip


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_the_brightness_of_an_image_is_the_same_in_every_transfer_syntax(tmp_path: Path, syntax: str) -> None:
    classifier: ImageClassifier = BrightnessClassifier()
    path = write_image(tmp_path / "a.dcm", picture(0.7), syntax=syntax)
    assert classifier.probabilities([path])[0] == pytest.approx(picture(0.7).mean() / 255, abs=0.004)


def test_the_brightness_of_an_image_is_that_of_what_is_displayed(tmp_path: Path) -> None:
    grey = picture(0.25)
    colour = np.stack([grey] * 3, axis=-1)
    neutral = np.stack([grey, np.full_like(grey, 128), np.full_like(grey, 128)], axis=-1)
    kinds = {
        "MONOCHROME2": (grey, 0.25), "MONOCHROME1": (grey, 0.75), "RGB": (colour, 0.25), "YBR_FULL": (neutral, 0.25),
        "PALETTE COLOR": (grey, 1 / 3),
    }  # fmt: skip
    for kind, (pixels, expected) in kinds.items():
        path = write_image(tmp_path / kind, pixels, photometric=kind, modality="XC")
        assert BrightnessClassifier().probabilities([path])[0] == pytest.approx(expected, abs=0.01), kind
