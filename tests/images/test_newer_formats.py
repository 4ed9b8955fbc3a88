"""JPEG XL and HEIF alike: right pixels, refused by size before decoding, corrupt where damaged."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.fast_decode import decode_fast
from classifier.images.probe import open_checked
from classifier.reason_text import reason_message
from classifier.records import FailureKind
from kit.newer_formats import heif, heif_bytes, jxl, jxl_bytes, on_white, pixels, refusal
from kit.pictures import COLORS, busy, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Draw = Callable[..., bytes]

RED = COLORS["red"]
EITHER = pytest.mark.parametrize("save", [jxl, heif])


@pytest.mark.parametrize(("save", "error"), [(jxl, 0), (heif, 2)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_those_that_were_saved(save: Draw, error: int, mode: str) -> None:
    image = busy(mode=mode)

    assert abs(pixels(save(image)) - np.asarray(image.convert("RGB"))).max() <= error


@pytest.mark.parametrize(("save", "error"), [(jxl, 1), (heif, 3)])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(save: Draw, error: int, mode: str) -> None:
    image = busy(mode=mode)

    assert abs(pixels(save(image)) - on_white(image)).max() <= error


@EITHER
@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000), (8, 8), (513, 8), (640, 480)])
def test_any_shape_has_its_size_in_the_header(save: Draw, size: tuple[int, int]) -> None:
    data = save(plain(RED, size))

    assert open_checked(data, max_megapixels=64).size == size == decode(data, max_megapixels=64).image.size


@pytest.mark.parametrize(
    ("save", "decoder"), [(jxl, "imagecodecs.jpegxl_decode"), (heif, "pillow_heif.heif.BaseImage.load")]
)
def test_the_limit_holds_before_anything_is_decoded(save: Draw, decoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(plain(RED, (1001, 1000)))
    assert decode(data, max_megapixels=1.1).image.size == (1001, 1000)
    monkeypatch.setattr(decoder, None)

    refused = refusal(data, max_megapixels=1)

    assert refused.kind is FailureKind.TOO_LARGE
    assert str(reason_message(refused.detail)) == "1001 x 1000 is 1.001 megapixels; the limit is 1"


@EITHER
def test_a_file_cut_off_anywhere_is_corrupt_with_the_reason(save: Draw) -> None:
    data = save(busy(size=(200, 150)))
    for length in {*range(40, 700, 33), *range(700, len(data), 997), len(data) - 5, len(data) - 1}:
        refused = refusal(data[:length])

        assert refused.kind is FailureKind.CORRUPT, length
        assert str(reason_message(refused.detail)).startswith(("JPEG XL: ", "HEIF: "))


def mutants(data: bytes, *, count: int) -> Iterator[bytes]:
    """The file with a few bytes changed, most in its header."""
    random_ = random.Random(len(data))
    for number in range(count):
        changed = bytearray(data)
        for _ in range(random_.choice([1, 1, 2, 8])):
            at = random_.randrange(min(len(data), 600 if number % 3 else len(data)))
            changed[at] = random_.randrange(256)
        yield bytes(changed)


@EITHER
def test_damaged_files_are_read_or_refused_with_a_reason(save: Draw) -> None:
    outcomes = [
        outcome(changed)
        for image in (busy(), busy(mode="RGBA"), busy(size=(300, 200), mode="L"))
        for changed in mutants(save(image), count=120)
    ]

    assert 360 == len(outcomes)
    assert "RGB" in outcomes
    assert len(set(outcomes)) > 2


def outcome(data: bytes) -> str:
    try:
        return decode(data, max_megapixels=64).image.mode
    except Undecodable as error:
        return str(reason_message(error.detail))


def test_nothing_is_registered_in_pillow() -> None:
    for data in (jxl_bytes(RED), heif_bytes(RED)):
        decode(data, max_megapixels=64)

    assert {"HEIF", "HEIC", "JPEG XL", "JXL"}.isdisjoint(Image.OPEN)
    assert {".heic", ".jxl"}.isdisjoint(Image.EXTENSION)


@EITHER
def test_the_fast_way_leaves_them_to_pillow(save: Draw) -> None:
    assert decode_fast(save(plain(RED)), max_megapixels=64) is None
