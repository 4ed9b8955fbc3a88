"""Thumbnails are small, encoded anew, and never stop a report."""

from __future__ import annotations

import base64
import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from classifier.report.model_report import SIZE, thumbnail
from kit.pictures import encoded, plain


def shown(uri: str) -> Image.Image:
    head, data = uri.split(",")
    assert "data:image/webp;base64" == head
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_large_picture_is_made_small_and_keeps_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (1200, 600), (200, 30, 30)).save(path)
    uri = thumbnail(path, max_megapixels=64)

    assert uri is not None
    assert (SIZE, SIZE // 2) == shown(uri).size


def test_a_thumbnail_is_encoded_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(plain((9, 9, 9)), "PNG") + b"<script>hidden</script>")
    uri = thumbnail(path, max_megapixels=64)

    assert uri is not None
    assert b"hidden" not in base64.b64decode(uri.split(",")[1])


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n"])
def test_what_cannot_be_read_has_no_thumbnail(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)

    assert thumbnail(path, max_megapixels=64) is None
    assert thumbnail(tmp_path / "gone.png", max_megapixels=64) is None
    assert thumbnail(Path("a\0b.png"), max_megapixels=64) is None


def test_a_picture_beyond_the_limit_has_no_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (1200, 1000)).save(path)

    assert thumbnail(path, max_megapixels=1) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_does_not_hang_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")

    assert thumbnail(tmp_path / "a.png", max_megapixels=64) is None
