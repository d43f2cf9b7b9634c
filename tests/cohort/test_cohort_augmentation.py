from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import affine, horizontal_flip

from monai_fairtune.cohort import DefaultAugmentation


@pytest.mark.parametrize("n_channels", [1, 3])
def test_shape_type_and_range_are_kept(n_channels: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(8, n_channels, 40, 40)
    augmented = DefaultAugmentation()(images)
    assert augmented.shape == images.shape
    assert augmented.dtype == torch.float32
    assert augmented.min() >= 0
    assert augmented.max() <= 1
    assert torch.isfinite(augmented).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_images_of_less_precision_are_varied_as_float32_ones(dtype: torch.dtype) -> None:
    images = torch.rand(3, 3, 224, 224).to(dtype)
    found = []
    for given in (images, images.float()):
        torch.manual_seed(0)
        found.append(DefaultAugmentation()(given))
    assert found[0].dtype == dtype
    assert torch.equal(found[0], found[1].to(dtype))


def test_every_image_has_its_own_draw() -> None:
    torch.manual_seed(0)
    images = torch.rand(1, 1, 32, 32).repeat(6, 1, 1, 1)
    augmented = DefaultAugmentation()(images)
    distances = torch.cdist(augmented.flatten(1), augmented.flatten(1)) + 100 * torch.eye(6)
    assert distances.min() > 0.1


def test_half_of_the_images_are_mirrored_left_to_right_and_none_upside_down() -> None:
    torch.manual_seed(0)
    images = torch.zeros(400, 1, 32, 32)
    images[:, :, 4:12, 4:12] = 1.0
    augmented = DefaultAugmentation()(images)
    left = augmented[:, :, :16, :16].sum((1, 2, 3)) > augmented[:, :, :16, 16:].sum((1, 2, 3))
    assert 0.4 < left.float().mean() < 0.6
    assert (augmented[:, :, :16].sum((1, 2, 3)) > augmented[:, :, 16:].sum((1, 2, 3))).all()


def test_brightness_varies_by_up_to_10_percent() -> None:
    torch.manual_seed(0)
    images = torch.full((400, 1, 16, 16), 0.5)
    means = DefaultAugmentation()(images).mean((1, 2, 3))
    assert 0.45 <= means.min() < 0.455
    assert 0.545 < means.max() <= 0.55


def test_contrast_varies_by_up_to_10_percent_around_the_mean_of_each_image() -> None:
    torch.manual_seed(0)
    images = torch.full((400, 1, 16, 16), 0.4)
    images[:, :, :, 8:] = 0.6
    varied = DefaultAugmentation()(images)
    dark, bright, mean = varied.amin((1, 2, 3)), varied.amax((1, 2, 3)), varied.mean((1, 2, 3))
    # Of brightness b, contrast c and the mean m of the moved image: bright - dark = 0.2 b c, mean = b m, and
    # bright + dark - 2 mean = b c (1 - 2 m).
    moved_mean = (1 - 0.2 * (bright + dark - 2 * mean) / (bright - dark)) / 2
    contrast = (bright - dark) / (0.2 * mean / moved_mean)
    assert 0.9 - 1e-3 < contrast.min() < 0.905
    assert 1.095 < contrast.max() < 1.1 + 1e-3


def test_an_image_is_mirrored_then_turned_and_scaled_then_shifted() -> None:
    images = avg_pool2d(torch.rand(1, 1, 41, 41, generator=torch.Generator().manual_seed(0)), 5, 1, 2)
    mirrored, angle, scale, right, down = torch.tensor([[True], [0.6], [0.5], [0.8], [-0.4]])
    found = DefaultAugmentation()._moved(images, mirrored, angle, scale, right, down)
    shift = [0.8 * 0.05 * 41, -0.4 * 0.05 * 41]
    expected = affine(horizontal_flip(images), 15 * 0.6, shift, 1.05, [0.0], InterpolationMode.BILINEAR)
    inner = (..., slice(8, 33), slice(8, 33))  # the border is reflected here and black there
    torch.testing.assert_close(found[inner], expected[inner], atol=1e-5, rtol=0)


def test_what_comes_into_view_is_reflected() -> None:
    torch.manual_seed(0)
    varied = DefaultAugmentation()(torch.full((50, 3, 16, 16), 0.5))
    assert varied.amax((2, 3)).sub(varied.amin((2, 3))).max() < 1e-5  # no black corner


def test_small_images_are_taken_too() -> None:
    assert DefaultAugmentation()(torch.rand(2, 3, 8, 8)).shape == (2, 3, 8, 8)
