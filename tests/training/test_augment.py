"""A training view depends on seed, epoch and image, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2.functional import pil_to_tensor

from classifier.records import ImageId
from classifier.training.augment import Augment, draw_crop, jitter_colors
from kit.pictures import busy

PICTURE, OTHER = ImageId("ab" * 32), ImageId("cd" * 32)
PIXELS = pil_to_tensor(busy(size=(120, 80)))


def augment(seed: int = 0) -> Augment:
    return Augment(image_size=32, crop_min=0.35, seed=seed)


def test_the_same_seed_epoch_and_picture_give_the_same_view() -> None:
    first = augment()(PIXELS, epoch=1, image_id=PICTURE)

    assert torch.equal(first, augment()(PIXELS, epoch=1, image_id=PICTURE))
    assert ((3, 32, 32), torch.uint8) == (tuple(first.shape), first.dtype)


def test_another_seed_epoch_or_picture_gives_another_view() -> None:
    views = [
        augment()(PIXELS, epoch=1, image_id=PICTURE),
        augment()(PIXELS, epoch=2, image_id=PICTURE),
        augment()(PIXELS, epoch=1, image_id=OTHER),
        augment(seed=1)(PIXELS, epoch=1, image_id=PICTURE),
    ]

    assert 4 == len({view.numpy().tobytes() for view in views})


@pytest.mark.parametrize(("height", "width"), [(80, 120), (1, 1), (1000, 10), (7, 300)])
def test_crops_lie_inside_and_show_enough(height: int, width: int) -> None:
    draw = np.random.default_rng(0)
    for _ in range(200):
        top, left, crop_height, crop_width = draw_crop(draw, height=height, width=width, least_share=0.35)
        assert 0 <= top <= height - crop_height
        assert 0 <= left <= width - crop_width
        assert crop_height * crop_width >= 0.3 * height * width


def test_kept_pictures_are_small_but_leave_every_crop_enough_pixels() -> None:
    large = torch.zeros(3, 400, 900, dtype=torch.uint8)
    height, width = augment().shrink(large).shape[-2:]

    assert pytest.approx(32 * 32 / 0.35, rel=0.05) == height * width
    assert pytest.approx(900 / 400, rel=0.05) == width / height


def test_a_small_picture_is_kept_as_it_is() -> None:
    small = torch.zeros(3, 20, 20, dtype=torch.uint8)

    assert augment().shrink(small) is small


def test_factors_of_one_change_no_color() -> None:
    assert torch.equal(PIXELS, jitter_colors(PIXELS, 1.0, 1.0, 1.0))


def test_no_saturation_is_grey_and_no_contrast_is_flat() -> None:
    grey = jitter_colors(PIXELS, 1.0, 1.0, 0.0)
    flat = jitter_colors(PIXELS, 1.0, 0.0, 1.0)

    assert torch.equal(grey[0], grey[2])
    assert 1 == len(flat.unique())
