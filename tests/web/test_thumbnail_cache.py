"""Small pictures are kept whole, within a limit, and may vanish at any time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from classifier.records import ImageId
from classifier.web.thumbnails import ThumbnailCache

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
