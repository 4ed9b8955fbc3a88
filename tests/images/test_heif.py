"""HEIF: what libheif decodes as other formats are, and nothing without a libheif that is new enough."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pillow_heif
import pytest

from classifier.images import heif as heif_module
from classifier.images.decode import decode
from classifier.images.probe import is_read, open_checked
from classifier.reason_text import reason_message
from classifier.records import FailureKind
from kit.newer_formats import heif, heif_bytes, pixels, refusal, turned
from kit.pictures import COLORS, busy, encoded, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

RED = COLORS["red"]


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The library is looked for anew, in the test and after it."""
    heif_module._library.cache_clear()
    yield
    heif_module._library.cache_clear()


@pytest.mark.parametrize(("mode", "channels"), [("L;16", 1), ("RGB;16", 3)])
def test_deep_heif_is_scaled_and_not_clipped(mode: str, channels: int) -> None:
    ramp = np.repeat(np.tile(np.linspace(0, 65535, 64).astype("<u2"), (48, 1))[..., None], channels, axis=2)
    buffer = BytesIO()
    pillow_heif.encode(mode, (64, 48), ramp.tobytes(), buffer, quality=-1, chroma=444)

    assert abs(pixels(buffer.getvalue())[:, :, 0] - ramp[:, :, 0] / 257).max() <= 3


@pytest.mark.parametrize("turn", range(1, 9))
def test_heif_is_turned_once_although_it_says_it_twice(turn: int) -> None:
    data = heif(busy(), exif=turned(turn).tobytes())  # irot and imir, and in the EXIF data
    upright = pixels(encoded(busy(), "PNG", exif=turned(turn)))

    assert (turn == 1) == (b"irot" not in data and b"imir" not in data)
    assert pixels(data).shape == upright.shape
    assert abs(pixels(data) - upright).max() <= 2
    assert open_checked(data, max_megapixels=64).size == decode(data, max_megapixels=64).image.size


@pytest.mark.parametrize(("primary", "color"), [(0, "blue"), (1, "red")])
def test_of_several_images_the_primary_one_is_read(primary: int, color: str) -> None:
    file = pillow_heif.from_pillow(plain(COLORS["blue"]))
    file.add_from_pillow(plain(RED))
    buffer = BytesIO()
    file.save(buffer, quality=-1, chroma=444, primary_index=primary)

    assert abs(pixels(buffer.getvalue()) - COLORS[color]).max() <= 2


@pytest.mark.parametrize("share", [0.4, 0.7, 0.999])
def test_half_a_tiled_heif_is_truncated_and_shows_its_upper_part(share: float) -> None:
    """As an iPhone's that was not copied whole; libheif gives missing tiles without a complaint."""
    whole = busy(size=(600, 400))
    data = heif(whole, tile_size=128)

    decoded = decode(data[: int(len(data) * share)], max_megapixels=64)

    assert decoded.truncated
    assert decoded.image.size == (600, 400)
    assert abs(np.asarray(decoded.image).astype(int) - np.asarray(whole))[:128, :128].max() <= 2
    assert not np.asarray(decoded.image)[-9:, -9:].std(axis=(0, 1)).any()
    assert abs(pixels(data) - np.asarray(whole)).max() <= 2


def test_a_heif_larger_than_it_says_is_refused_without_its_memory() -> None:
    data = bytearray(heif(plain(RED, (1100, 1000)), quality=30))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = (64).to_bytes(4, "big") * 2

    refused = refusal(bytes(data))

    assert refused.kind is FailureKind.CORRUPT
    assert "limit" in str(reason_message(refused.detail))


@pytest.mark.usefixtures("forgotten")
def test_without_its_library_heif_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heif_bytes(RED)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)

    refused = refusal(data)

    assert not is_read("HEIF")
    assert refused.kind is FailureKind.UNSUPPORTED
    assert str(reason_message(refused.detail)) == (
        'HEIF pictures are read once you have run: pip install "pillow-heif>=1.8.1"'
    )
    assert "HEIF" not in str(reason_message(refusal(b"8BPS\0\1").detail))


@pytest.mark.usefixtures("forgotten")
def test_a_libheif_that_pictures_can_attack_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow_heif, "libheif_version", lambda: "1.23.5")

    assert refusal(heif_bytes(RED)).kind is FailureKind.UNSUPPORTED
