from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from classifier.images.decode import decode
from kit.pictures import COLORS, animated_bytes, avif_bytes, busy, encoded, gif_bytes, jpeg_bytes, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[..., bytes]

RED, BLUE = COLORS["red"], COLORS["blue"]


def pixels(data: bytes) -> np.ndarray:
    decoded = decode(data, max_megapixels=64)
    assert decoded.image.mode == "RGB"
    assert not decoded.truncated
    return np.asarray(decoded.image).astype(int)


@pytest.mark.parametrize("name", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_lossless_formats_give_the_pixels_that_were_saved(name: str) -> None:
    colors = busy().quantize(64).convert("RGB")

    assert (pixels(encoded(colors, name, lossless=True)) == np.asarray(colors)).all()


@pytest.mark.parametrize("draw", [jpeg_bytes, avif_bytes, gif_bytes])
def test_lossy_formats_give_nearly_the_color_that_was_saved(draw: Draw) -> None:
    assert abs(pixels(draw(RED)) - RED).max() <= 6


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    image = busy(mode=mode)
    layers = np.asarray(image.convert("RGBA")).astype(float)
    alpha = layers[..., 3:] / 255

    expected = layers[..., :3] * alpha + 255 * (1 - alpha)

    assert abs(pixels(encoded(image, "PNG")) - expected).max() <= 0.51


@pytest.mark.parametrize(("mode", "color", "key"), [("P", 1, 1), ("L", 77, 77), ("RGB", RED, RED), ("1", 0, 0)])
def test_a_color_declared_transparent_is_white(mode: str, color: Any, key: Any) -> None:
    image = Image.new(mode, (8, 8), color)
    if mode == "P":
        image.putpalette([0, 0, 0, *RED])

    assert (pixels(encoded(image, "PNG", transparency=key)) == 255).all()


def test_partly_transparent_palettes_are_laid_on_white() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 0, 0, 0])

    assert (pixels(encoded(image, "PNG", transparency=bytes([255, 127]))) == 128).all()


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)

    assert pixels(encoded(Image.fromarray(values), "PNG"))[0, :, 0].tolist() == [0, 1, 128, 255]
    assert pixels(encoded(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 100, 255]], dtype=np.int32), [0, 100, 255]),
        (np.array([[0, 257, 65535]], dtype=np.int32), [0, 1, 255]),
        (np.array([[-2, 0, 2]], dtype=np.int32), [0, 128, 255]),
        (np.array([[0, 0.5, 1]], dtype=np.float32), [0, 128, 255]),
        (np.array([[0, 100, 255]], dtype=np.float32), [0, 100, 255]),
        (np.array([[-1, 0, 1]], dtype=np.float32), [0, 128, 255]),
        (np.array([[0, np.nan, 1]], dtype=np.float32), [0, 0, 255]),
        (np.array([[7, 7, 7]], dtype=np.float32), [7, 7, 7]),
    ],
)
def test_deep_grey_takes_the_first_range_that_holds_it(values: np.ndarray, expected: list[int]) -> None:
    assert pixels(encoded(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == expected


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF"), ("LAB", "TIFF")])
def test_printing_and_television_colors_become_rgb(mode: str, name: str) -> None:
    picture = plain(BLUE).convert(mode) if mode != "LAB" else Image.new("LAB", (8, 8), (150, 128, 128))

    mean = pixels(encoded(picture, name)).mean(axis=(0, 1))

    assert abs(mean - (BLUE if mode != "LAB" else 141)).max() <= 6


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_few_colors_become_rgb(mode: str) -> None:
    image = busy(mode="L").convert(mode)

    assert (pixels(encoded(image, "PNG")) == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame(name: str) -> None:
    assert abs(pixels(animated_bytes(name, [RED, BLUE, BLUE])) - RED).max() <= 6


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(name: str, turn: int) -> None:
    upright = Image.merge("RGB", [Image.linear_gradient("L").rotate(turned) for turned in (0, 90, 0)]).resize((48, 32))
    undo = {5: 5, 6: 2, 7: 6, 8: 4, 2: 0, 3: 3, 4: 1}  # as Pillow numbers its transpositions
    stored = upright if turn == 1 else upright.transpose(Image.Transpose(undo[turn]))
    exif = Image.Exif()
    exif[0x0112] = turn

    shown = pixels(encoded(stored, name, exif=exif, quality=100))

    assert shown.shape == (32, 48, 3)
    assert abs(shown - np.asarray(upright)).mean() < 6


def test_broken_exif_spoils_no_picture() -> None:
    data = encoded(plain(RED), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40)

    assert abs(pixels(data) - RED).max() <= 6


def test_exif_that_cannot_even_be_parsed_turns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: object) -> None:
        raise SyntaxError

    monkeypatch.setattr(Image.Image, "getexif", failing)

    assert abs(pixels(jpeg_bytes(RED)) - RED).max() <= 6


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
def test_strips_are_pictures_too(size: tuple[int, int]) -> None:
    assert pixels(encoded(plain(RED, size), "PNG")).shape == (size[1], size[0], 3)


def test_a_jpeg_with_more_frames_is_its_first() -> None:
    data = BytesIO()
    plain(RED).save(data, "MPO", save_all=True, append_images=[plain(BLUE)])

    assert abs(pixels(data.getvalue()) - RED).max() <= 6
