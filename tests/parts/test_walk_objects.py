from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.exclude import Exclude
from classifier.images.walk_result import WalkResult
from classifier.parts.storage import open_storage
from classifier.parts.walk_objects import find_objects

if TYPE_CHECKING:
    from kit.bucket import Bucket

KEYS = [
    ".illsort/catalog.sqlite",
    ".illsort/x.jpg",
    "!odd/a.jpg",
    "!odd/lib/(cat)/a.jpg",
    "!odd/lib/.illsort/catalog.sqlite",
    "!odd/lib/cats/b.jpg",
    "!odd/liberty/c.jpg",
    "a/.illsortish/d.jpg",
    "a/b/c/d/e.jpg",
    "a/z.jpg",
    "lib/.illsort/x",
    "lib/cats/f.jpg",
    "lib/g.jpg",
    "lib.jpg",
    "trash/#recycle/h.jpg",
    "zz.jpg",
]
EXPECTED = ["!odd/a.jpg", "!odd/liberty/c.jpg", "a/.illsortish/d.jpg", "a/b/c/d/e.jpg", "a/z.jpg", "lib.jpg", "zz.jpg"]


def test_libraries_in_a_bucket_are_left_out_whole(bucket: Bucket) -> None:
    for key in KEYS:
        bucket.put(key, b"x")
    found = WalkResult()

    keys = [file.key for file in find_objects(open_storage(bucket.url), also=(), found=found)]

    assert keys == sorted(EXPECTED)
    assert sorted(one.path.name for one in found.left_out) == ["lib", "lib"]
    assert (found.pictures, found.system) == (len(EXPECTED), 1)


def test_few_requests_find_out_what_is_a_library(bucket: Bucket) -> None:
    for number in range(20):
        bucket.put(f"{number}/a.jpg", b"x")
    bucket.server.asked.clear()

    keys = [file.key for file in find_objects(open_storage(bucket.url), also=(), found=WalkResult())]

    assert len(keys) == 20
    assert len(bucket.server.asked) == 1


@pytest.mark.parametrize("also", [(), (".tar",)])
def test_archives_are_found_where_they_are_asked_for(bucket: Bucket, also: tuple[str, ...]) -> None:
    for key in ("a.jpg", "b.tar", "drafts/c.tar", "d.tar.gz", "e.TAR"):
        bucket.put(key, b"x")
    found, exclude = WalkResult(), Exclude(["drafts/"])

    keys = [file.key for file in find_objects(open_storage(bucket.url), also=also, exclude=exclude, found=found)]

    assert keys == (["a.jpg", "b.tar", "e.TAR"] if also else ["a.jpg"])
    assert (found.archives, found.others) == ((0, 1) if also else (2, 1))
