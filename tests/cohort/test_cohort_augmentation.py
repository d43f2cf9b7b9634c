from __future__ import annotations

import pytest
import torch

from monai_fairtune.cohort import default_augmentation


@pytest.mark.parametrize("n_channels", [1, 3])
def test_shape_type_and_range_are_kept(n_channels: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(8, n_channels, 40, 40)
    augmented = default_augmentation(40)(images)
    assert augmented.shape == images.shape
    assert augmented.dtype == torch.float32
    assert augmented.min() >= 0
    assert augmented.max() <= 1
    assert torch.isfinite(augmented).all()


def test_every_image_has_its_own_draw() -> None:
    torch.manual_seed(0)
    images = torch.rand(1, 1, 32, 32).repeat(6, 1, 1, 1)
    augmented = default_augmentation(32)(images)
    distances = torch.cdist(augmented.flatten(1), augmented.flatten(1)) + 100 * torch.eye(6)
    assert distances.min() > 0.1


def test_half_of_the_images_are_mirrored_left_to_right_and_none_upside_down() -> None:
    torch.manual_seed(0)
    images = torch.zeros(400, 1, 32, 32)
    images[:, :, 4:12, 4:12] = 1.0
    augmented = default_augmentation(32)(images)
    left = augmented[:, :, :16, :16].sum((1, 2, 3)) > augmented[:, :, :16, 16:].sum((1, 2, 3))
    assert 0.4 < left.float().mean() < 0.6
    assert (augmented[:, :, :16].sum((1, 2, 3)) > augmented[:, :, 16:].sum((1, 2, 3))).all()


def test_it_is_mild() -> None:
    torch.manual_seed(0)
    images = torch.full((200, 1, 16, 16), 0.5)
    means = default_augmentation(16)(images).mean((1, 2, 3))
    assert 0.35 < means.min() < 0.45
    assert 0.55 < means.max() < 0.67


def test_small_images_are_taken_too() -> None:
    assert default_augmentation(8)(torch.rand(2, 3, 8, 8)).shape == (2, 3, 8, 8)
