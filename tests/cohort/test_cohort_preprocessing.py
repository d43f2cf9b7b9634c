from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImage
from PIL import Image

from monai_fairtune.cohort import Preprocessing
from monai_fairtune.cohort.transforms import FitChannelsd, MedicalImageReader, ReadImaged
from monai_fairtune.exceptions import ConfigurationError, ImageError

QUARTERS = np.kron(np.array([[0, 80], [160, 240]], dtype=np.uint8), np.ones((20, 30), dtype=np.uint8))
"""40 rows by 60 columns, each quarter of another grey."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(QUARTERS).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_it_is_a_monai_compose_from_path_to_a_plain_tensor(picture: Path) -> None:
    preprocessing = Preprocessing(32)
    result = preprocessing({"image": picture, "label": 1})
    image = result["image"]
    assert isinstance(preprocessing, Compose)
    assert set(result) == {"image", "label"}
    assert type(image) is torch.Tensor
    assert not isinstance(image, MetaTensor)
    assert image.dtype == torch.float32
    assert tuple(image.shape) == (3, 32, 32)


def test_the_picture_is_not_turned_and_its_values_are_kept(picture: Path) -> None:
    image = Preprocessing(32, 1).decode(str(picture))[0] * 255
    corners = [image[4, 4], image[4, -4], image[-4, 4], image[-4, -4]]
    assert corners == pytest.approx([0, 80, 160, 240], abs=1e-3)


def test_fine_detail_is_averaged_rather_than_sampled(tmp_path: Path) -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (256, 128))
    Image.fromarray(stripes).save(tmp_path / "a.png")
    image = Preprocessing(32, 1).decode(tmp_path / "a.png")
    assert image[:, 2:-2, 2:-2].sub(0.5).abs().max() < 0.02


def test_resizing_agrees_with_pillow(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((50, 70)).astype(np.float32)
    np.save(tmp_path / "a.npy", pixels)
    expected = np.asarray(Image.fromarray(pixels).resize((24, 24), Image.Resampling.BILINEAR))
    assert np.allclose(Preprocessing(24, 1).decode(tmp_path / "a.npy")[0], expected, atol=1e-5)


def test_grey_is_repeated_and_colour_becomes_luma() -> None:
    grey, colour = torch.rand(1, 4, 4), torch.rand(3, 4, 4)
    assert torch.equal(FitChannelsd("x", 3)({"x": grey})["x"], grey.repeat(3, 1, 1))
    luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    assert torch.allclose(FitChannelsd("x", 1)({"x": colour})["x"][0], luma)
    assert FitChannelsd("x", 3)({"x": colour})["x"] is colour
    with pytest.raises(ImageError, match="3 channels where the network takes 2"):
        FitChannelsd("x", 2)({"x": colour})


def test_what_is_wrong_with_an_image_is_said_as_an_image_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"'a.png' cannot be decoded"):
        Preprocessing(32)({"image": tmp_path / "a.png"})


def test_other_errors_stay_as_monai_raises_them() -> None:
    with pytest.raises(RuntimeError, match="applying transform"):
        Preprocessing(32)({"picture": "a.png"})


@pytest.mark.parametrize("arguments", [(0,), (-3,), (32, 0), ("32",), (32.5,), (True,)])
def test_a_size_that_is_not_a_positive_whole_number_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError, match="Give a positive whole number"):
        Preprocessing(*arguments)


def test_the_fingerprint_follows_what_is_done() -> None:
    assert Preprocessing(32).fingerprint == Preprocessing(32, 3).fingerprint
    assert len({Preprocessing(*sizes).fingerprint for sizes in ((32, 3), (32, 1), (48, 3))}) == 3


def test_a_description_gives_the_preprocessing_back() -> None:
    again = Preprocessing.from_dict(Preprocessing(48, 1).to_dict())
    assert again.fingerprint == Preprocessing(48, 1).fingerprint
    for broken in ({}, {"version": 2, "image_size": 4, "n_channels": 1}, {"version": 1, "image_size": 4}):
        with pytest.raises(ConfigurationError, match="Use the release that wrote it"):
            Preprocessing.from_dict(broken)


def test_the_reader_works_within_monai(picture: Path) -> None:
    reader = MedicalImageReader()
    assert reader.verify_suffix([str(picture)])
    assert not reader.verify_suffix("a.docx")
    pixels, meta = reader.get_data(reader.read(picture))
    assert pixels.shape == (1, 40, 60)
    assert set(meta) == {"original_channel_dim", "spatial_shape"}
    assert tuple(ReadImaged("image")({"image": picture})["image"].shape) == (1, 40, 60)
    with pytest.raises(ImageError, match="2 files were given for one image"):
        reader.read([picture, picture])


@pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader")  # MONAI builds all its readers, this one complains
def test_the_reader_can_be_given_to_monais_loader(picture: Path) -> None:
    loaded = LoadImage(reader=MedicalImageReader(), image_only=True)(picture)
    assert np.allclose(np.asarray(loaded), QUARTERS[None] / 255)
