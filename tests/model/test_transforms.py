"""Nothing is cropped away: whatever the shape, the whole image is in the square."""

from __future__ import annotations

import pickle

import pytest
import torch

from classifier.model.transforms import EvalTransform

SIDE = 64


def seen(height: int, width: int) -> torch.Tensor:
    """A black image with a red beginning and a blue end along its longer side, as the network sees it."""
    pixels = torch.zeros(3, height, width, dtype=torch.uint8)
    along = pixels if height >= width else pixels.mT
    along[0, : max(1, along.shape[1] // 8)] = 255
    along[2, -max(1, along.shape[1] // 8) :] = 255
    return EvalTransform(image_size=SIDE)(pixels)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (300, 168), (168, 300), (4000, 400), (30, 900), (5000, 3)])
def test_nothing_is_cropped_from_any_shape(height: int, width: int) -> None:
    square = seen(height, width).int()

    assert (3, SIDE, SIDE) == tuple(square.shape)
    assert ((square[0] > 200) & (square[1] < 100)).any()
    assert ((square[2] > 200) & (square[1] < 100)).any()


def test_up_to_twice_as_long_as_wide_fills_the_square() -> None:
    assert 0 == int(EvalTransform(image_size=SIDE)(torch.zeros(3, 200, 100, dtype=torch.uint8)).max())


def test_a_strip_keeps_its_shapes_between_white_margins() -> None:
    square = EvalTransform(image_size=SIDE)(torch.zeros(3, 800, 100, dtype=torch.uint8))

    assert 16 == int((square[0, SIDE // 2] == 0).sum())
    assert 255 == int(square[0, SIDE // 2, 0])


def test_workers_can_be_given_the_transform() -> None:
    transform = EvalTransform(image_size=SIDE)

    assert transform == pickle.loads(pickle.dumps(transform))  # noqa: S301 - our own bytes
