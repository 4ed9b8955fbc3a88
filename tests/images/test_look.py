"""Looks: the same for the same pixels whatever decodes them, nearly the same for a copy of another size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classifier.images.decode import decode
from classifier.images.look import LOOK_BYTES, color_of, luma_of
from classifier.inference.reader import Read, Reader
from kit.copies import look_at
from kit.pictures import busy, encoded, plain
from kit.readers import Shrink

READER = Reader(transform=Shrink(8), max_megapixels=64, looks=True)


def looks(*images: bytes) -> np.ndarray:
    return np.array([np.frombuffer(image, np.uint8) for image in images])


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_reader_makes_the_look_that_pillows_pixels_have(tmp_path: Path, name: str) -> None:
    data = encoded(busy(size=(301, 203)), name)
    (tmp_path / "a").write_bytes(data)

    read = READER.read(tmp_path / "a")

    assert isinstance(read, Read)
    assert read.image.look == look_at(decode(data, max_megapixels=64).image)
    assert len(read.image.look) == LOOK_BYTES


def test_a_reader_makes_no_look_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(encoded(busy(), "PNG"))

    read = Reader(transform=Shrink(8), max_megapixels=64).read(tmp_path / "a")

    assert isinstance(read, Read)
    assert read.image.look == b""


def test_a_copy_of_half_the_size_looks_the_same_within_a_few_levels() -> None:
    image = busy(size=(600, 480))

    one, other = luma_of(looks(look_at(image), look_at(image.resize((300, 240)))))

    assert np.abs(one - other).max() <= 4


def test_a_look_has_the_brightness_and_color_of_its_image() -> None:
    look = looks(look_at(plain((200, 40, 40), size=(100, 50))))

    assert np.abs(luma_of(look) - 88).max() <= 1
    assert (color_of(look)[..., 1] > 50).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (23, 25)])
def test_images_of_any_shape_have_a_look(size: tuple[int, int]) -> None:
    assert len(look_at(plain((1, 2, 3), size=size))) == LOOK_BYTES
