from __future__ import annotations

import struct
import subprocess
import sys
import threading
import warnings
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.probe import open_checked
from classifier.reason_text import reason_message
from classifier.records import FailureKind
from kit.pictures import COLORS, busy, encoded, jpeg_bytes, png_bytes, tiff_bytes, webp_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[..., bytes]

RED = COLORS["red"]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bomb(width: int, height: int) -> bytes:
    """A small 1-bit PNG that would be `width` x `height`."""
    packer = zlib.compressobj()
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def refusal(data: bytes, *, max_megapixels: float = 64) -> Undecodable:
    with pytest.raises(Undecodable) as refused:
        decode(data, max_megapixels=max_megapixels)
    return refused.value


def test_an_empty_file_is_empty() -> None:
    assert refusal(b"").kind is FailureKind.EMPTY


def test_text_is_not_a_picture() -> None:
    assert refusal(b"hello, this is a letter").kind is FailureKind.NOT_AN_IMAGE


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"%!PS-Adobe-3.0 EPSF-3.0\n(payload) run", "EPS"), (b"<svg onload='x'>", "SVG"), (b"8BPS\0\x01", "Photoshop")],
)
def test_formats_that_are_not_read_are_refused_by_name(head: bytes, name: str) -> None:
    refused = refusal(head)

    assert refused.kind is FailureKind.UNSUPPORTED
    assert str(reason_message(refused.detail)).startswith(f"{name} pictures are not read")


def test_a_bomb_is_refused_by_its_header() -> None:
    refused = refusal(bomb(30000, 30000))

    assert refused.kind is FailureKind.TOO_LARGE
    assert str(reason_message(refused.detail)) == "30000 x 30000 is 900 megapixels; the limit is 64"


@pytest.mark.parametrize("draw", [png_bytes, jpeg_bytes, webp_bytes, tiff_bytes])
def test_the_limit_is_ours_and_holds_for_each_format(draw: Draw) -> None:
    data = draw(RED, (1001, 1000))

    assert (
        str(reason_message(refusal(data, max_megapixels=1).detail)) == "1001 x 1000 is 1.001 megapixels; the limit is 1"
    )
    assert decode(data, max_megapixels=1.1).image.size == (1001, 1000)


def test_a_large_picture_that_is_allowed_warns_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    limit = Image.MAX_IMAGE_PIXELS

    assert open_checked(bomb(10000, 10000), max_megapixels=101).size == (10000, 10000)
    assert capsys.readouterr().err == ""
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("name", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("TIFF", {})]
)
def test_half_a_picture_is_truncated_and_still_shows_its_upper_part(name: str, options: dict[str, Any]) -> None:
    whole = busy(size=(300, 200))
    data = encoded(whole, name, **options)

    decoded = decode(data[: len(data) * 2 // 3], max_megapixels=64)

    assert decoded.truncated
    assert decoded.image.size == (300, 200)
    difference = abs(np.asarray(decoded.image).astype(int) - np.asarray(whole))
    assert np.median(difference[:40]) < 20
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_half_a_webp_is_corrupt_with_the_reason() -> None:
    data = webp_bytes(RED, (300, 200), lossless=True)

    refused = refusal(data[: len(data) // 2])

    assert refused.kind is FailureKind.CORRUPT
    assert str(reason_message(refused.detail)).startswith("WEBP: ")


def test_a_header_without_a_picture_is_corrupt() -> None:
    assert refusal(b"\x89PNG\r\n\x1a\n" + bytes(100)).kind is FailureKind.CORRUPT
    assert refusal(b"\xff\xd8\xff\xe0").kind is FailureKind.CORRUPT


def test_no_memory_is_a_failure_of_that_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(_self: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load_prepare", greedy)

    assert refusal(jpeg_bytes(RED)).kind is FailureKind.MEMORY


def test_warnings_of_the_decoder_do_not_escape() -> None:
    data = bytearray(tiff_bytes(RED))
    entries = struct.unpack_from("<I", data, 4)[0]
    data[entries + 2 : entries + 14] = struct.pack("<HHII", 0x010F, 2, 5000, 10**6)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with suppress(Undecodable):
            decode(bytes(data), max_megapixels=64)

    assert caught == []


def test_a_truncated_picture_in_one_thread_loosens_nothing_in_another() -> None:
    broken = encoded(busy(size=(300, 200)), "PNG")[:1500]
    whole = encoded(busy(size=(300, 200)), "PNG")
    wrong: list[bool] = []

    def work(data: bytes, truncated: bool) -> None:
        answers = [decode(data, max_megapixels=64).truncated for _ in range(30)]
        wrong.extend(answer for answer in answers if answer is not truncated)

    threads = [threading.Thread(target=work, args=(data, data is broken)) for data in (broken, whole, broken, whole)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_decoding_imports_no_torch() -> None:
    code = "import sys, classifier.images.decode, classifier.images.walk; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
