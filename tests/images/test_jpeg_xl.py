"""JPEG XL: its header read by ourselves, and what libjxl decodes as other formats are."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest

from classifier.images.decode import decode
from classifier.images.jpeg_xl_header import read_header
from classifier.images.probe import open_checked
from classifier.reason_text import reason_message
from classifier.records import FailureKind
from kit.newer_formats import jxl, on_white, pixels, refusal, turned, with_flipped_bit
from kit.pictures import COLORS, busy, encoded, plain

RED = COLORS["red"]


@pytest.mark.parametrize("options", [{"level": 90}, {"usecontainer": True}, {"level": 90, "usecontainer": True}])
def test_jpeg_xl_with_loss_or_in_a_container_is_read(options: dict[str, Any]) -> None:
    assert np.median(abs(pixels(jxl(busy(), **options)) - np.asarray(busy()))) <= 8


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_colors_that_hold_their_alpha_already_are_not_dimmed_again(mode: str) -> None:
    layers = np.asarray(busy(mode=mode)).astype(np.uint16) * 257
    layers[..., :-1] = layers[..., :-1] * (layers[..., -1:] / 65535)
    data = bytes(imagecodecs.jpegxl_encode(layers))
    marked = with_flipped_bit(data, wanted=lambda header: header.is_premultiplied and header.width == 97)
    colors = layers[..., :-1].astype(float) / 257 + 255 * (1 - layers[..., -1:].astype(float) / 65535)

    assert abs(pixels(marked) - colors).max() <= 2
    assert abs(pixels(data) - colors).max() > 20


@pytest.mark.parametrize("kind", ["u2", "f2", "f4"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_deep_jpeg_xl_is_scaled_and_not_clipped(kind: str, mode: str) -> None:
    image = busy(mode=mode)
    deep = np.asarray(image).astype(np.float64) * (257 if kind == "u2" else 1 / 255)

    assert abs(pixels(bytes(imagecodecs.jpegxl_encode(deep.astype(kind)))) - on_white(image)).max() <= 1


@pytest.mark.parametrize("bits", [2, 5, 10, 12])
def test_jpeg_xl_of_odd_depth_reaches_white_and_black(bits: int) -> None:
    most = (1 << bits) - 1
    ramp = np.linspace(0, most, 64).round().astype("u1" if bits <= 8 else "u2")
    data = bytes(imagecodecs.jpegxl_encode(np.tile(ramp, (8, 1)), bitspersample=bits))

    assert pixels(data)[0, :, 0].tolist() == np.rint(ramp.astype(np.float32) * 255 / most).astype(int).tolist()


def test_floats_outside_their_range_and_no_numbers_stay_in_the_image() -> None:
    values = np.array([[-1, 0, 0.5, 1, 7, np.nan]] * 8, np.float32)

    assert pixels(bytes(imagecodecs.jpegxl_encode(values)))[0, :, 0].tolist()[:5] == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("turn", range(1, 9))
def test_jpeg_xl_is_turned_once_although_it_says_it_twice(turn: int) -> None:
    jpeg = encoded(busy(), "JPEG", exif=turned(turn), quality=95)
    data = bytes(imagecodecs.jpegxl_encode_jpeg(jpeg))  # in the codestream, and in the EXIF data of the JPEG

    assert abs(pixels(data) - pixels(jpeg)).max() <= 4
    assert open_checked(data, max_megapixels=64).size == decode(data, max_megapixels=64).image.size


def test_an_animation_is_its_first_frame() -> None:
    frames = np.stack([np.asarray(plain(COLORS[name])) for name in ("red", "blue", "green")])

    assert (pixels(bytes(imagecodecs.jpegxl_encode(frames, photometric="rgb"))) == RED).all()


@pytest.mark.parametrize("size", [(1024, 2048), (1920, 1080), (1200, 1000), (1500, 1000), (264, 33), (70000, 4)])
def test_each_way_to_write_a_size_is_understood(size: tuple[int, int]) -> None:
    header = read_header(jxl(plain(RED, size)))

    assert (header.width, header.height) == size


EIGHT_BY_EIGHT = [(1, 1), (0, 5), (1, 3)]
AS_USUAL = [(0, 1), (0, 1), (0, 1), (0, 2), (1, 1)]
"""Not all by default: no orientation, integers of 8 bits, for which 16 are enough."""


def header(*fields: tuple[int, int]) -> bytes:
    """The beginning of a codestream of these numbers, each with its bits."""
    value = at = 0
    for number, bits in fields:
        value |= number << at
        at += bits
    return b"\xff\x0a" + value.to_bytes(100, "little")


def test_a_jpeg_xl_that_claims_thousands_of_channels_is_refused() -> None:
    refused = refusal(header(*EIGHT_BY_EIGHT, *AS_USUAL, (3, 2), (3999, 12)))

    assert str(reason_message(refused.detail)) == "JPEG XL: it has 4000 extra channels"


def test_jpeg_xl_in_the_colors_of_a_printer_is_unsupported() -> None:
    black = [(0, 1), (2, 2), (2, 4), (0, 1), (0, 2), (0, 2), (0, 2)]
    refused = refusal(header(*EIGHT_BY_EIGHT, *AS_USUAL, (1, 2), *black))

    assert refused.kind is FailureKind.UNSUPPORTED
    assert str(reason_message(refused.detail)) == "CMYK JPEG XL pictures are not read"


def test_every_field_of_a_header_is_passed_over_by_its_length() -> None:
    preview = [(1, 1), (0, 1), (1, 2), (63, 8), (0, 3), (2, 2), (5, 10)]
    animation = [(1, 1), (2, 2), (9, 10), (3, 2), (4, 10), (1, 2), (7, 3), (1, 1)]
    shown_at = [(1, 1), (0, 1), (1, 2), (99, 13), (0, 3), (0, 2), (99, 9)]
    spot = [(0, 1), (2, 2), (0, 4), (0, 1), (3, 2), (8, 6), (3, 2), (2, 3), (1, 2), (3, 4), (0, 24), (1, 64)]
    color_filter = [(0, 1), (2, 2), (3, 4), (1, 1), (0, 2), (7, 4), (0, 2), (0, 2), (2, 2), (1, 4)]
    alpha = [(0, 1), (0, 2), (0, 1), (0, 2), (0, 2), (0, 2), (1, 1)]
    size = [(0, 1), (1, 2), (1999, 13), (0, 3), (0, 2), (299, 9)]
    fields = [(0, 1), (1, 1), (5, 3), *shown_at, *preview, *animation, (1, 1), (1, 2), (4, 4), (0, 1), (2, 2), (1, 4)]

    found = read_header(header(*size, *fields, *spot, *color_filter, *alpha))

    assert (found.width, found.height, found.bits, found.is_float) == (2000, 300, 16, True)
    assert (found.is_premultiplied, found.is_cmyk) == (True, False)


@pytest.mark.parametrize("cut", [0, 1, 2, 5, 11, 12, 13, 40, 44])
def test_a_header_that_is_cut_off_says_so(cut: int) -> None:
    with pytest.raises(EOFError):
        read_header(jxl(busy(), usecontainer=True)[:cut])


def test_a_box_shorter_than_its_header_does_not_loop_for_ever() -> None:
    data = bytearray(jxl(busy(), usecontainer=True))
    data[12:16] = (3).to_bytes(4, "big")

    with pytest.raises(ValueError, match="shorter"):
        read_header(bytes(data))
