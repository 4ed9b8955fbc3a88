"""Small pictures are kept whole, within a limit, and may vanish at any time."""

from __future__ import annotations

import os
import shutil
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from classifier.images.hashing import hash_bytes
from classifier.images.thumbnails import thumbnail
from classifier.records import ImageId
from classifier.web.thumbnails import SMALL, ThumbnailCache
from kit.newer_formats import heif_bytes, jxl_bytes
from kit.pictures import COLORS

if TYPE_CHECKING:
    from collections.abc import Callable

IDS = [ImageId(f"{number:064x}") for number in range(20)]


def filled(library: Path, *, limit_bytes: int) -> ThumbnailCache:
    shelf = ThumbnailCache(library, limit_bytes=limit_bytes)
    for age, picture in enumerate(reversed(IDS)):
        shelf.keep(picture, bytes(100))
        path = next(library.rglob(f"{picture}.jpg"))
        os.utime(path, ns=(10**18 - age, 10**18 - age))
    return shelf


def test_beyond_the_limit_the_oldest_thumbnails_are_removed(tmp_path: Path) -> None:
    shelf = filled(tmp_path, limit_bytes=1000)
    shelf.tidy()

    assert IDS[-9:] == [picture for picture in IDS if shelf.has(picture)]


def test_within_the_limit_no_thumbnail_is_removed(tmp_path: Path) -> None:
    shelf = filled(tmp_path, limit_bytes=2000)
    shelf.tidy()
    shelf.keep(IDS[0], bytes(100))
    shelf.tidy()

    assert all(shelf.has(picture) for picture in IDS)


def test_the_thumbnail_folder_may_be_deleted_while_in_use(tmp_path: Path) -> None:
    shelf = filled(tmp_path, limit_bytes=2000)
    shutil.rmtree(tmp_path / ".illsort" / "thumbnails")

    assert shelf.get(IDS[0]) is None
    shelf.tidy()
    shelf.keep(IDS[0], b"again")
    assert b"again" == shelf.get(IDS[0])


def test_without_write_access_nothing_is_cached_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / ".illsort").write_text("a file in its way")
    shelf = ThumbnailCache(tmp_path)
    shelf.keep(IDS[0], b"data")
    shelf.tidy()

    assert not shelf.has(IDS[0])


@pytest.mark.parametrize("draw", [heif_bytes, jxl_bytes])
def test_formats_that_browsers_may_not_know_are_shown_as_jpeg(tmp_path: Path, draw: Callable[..., bytes]) -> None:
    data = draw(COLORS["red"], (800, 400))
    (tmp_path / "a").write_bytes(data)
    small = thumbnail(hash_bytes(data), tmp_path / "a", side=SMALL, max_megapixels=64)

    assert small is not None
    with Image.open(BytesIO(small)) as shown:
        assert ("JPEG", (320, 160)) == (shown.format, shown.size)
        assert all(abs(a - b) < 9 for a, b in zip(shown.getpixel((9, 9)), COLORS["red"], strict=True))
