"""The counts of a library whose files a person moved."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from classifier.catalog import runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.stats import Tally, library_stats, tally_crawl
from classifier.filing.reconcile import reconcile_if_free
from classifier.records import Method
from kit.sorting import sort

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="no such name elsewhere")


@pytest.mark.parametrize(
    "folder",
    [b"_mine", b".mine", pytest.param(b"mine\\too", marks=ON_LINUX), pytest.param(b"mine\xff", marks=ON_LINUX)],
)
def test_pictures_taken_out_of_all_categories_count_in_none(tmp_path: Path, folder: bytes) -> None:
    crawl, library = tmp_path / "crawl", tmp_path / "library"
    crawl.mkdir()
    for name in ("a1.jpg", "a2.jpg", "b1.jpg", "b2.jpg"):
        (crawl / name).write_bytes(name[:2].encode())
    sort(library, crawl, method=Method.COPY, batch=9, sidecars=False)
    own = library / os.fsdecode(folder)
    own.mkdir()
    (library / "kind_a" / "a1.jpg").rename(library / "a1.jpg")
    (library / "kind_b" / "b1.jpg").rename(own / "b1.jpg")

    reconcile_if_free(library)
    taken_out = library_stats(library)
    sort(library, crawl, method=Method.COPY, batch=9, sidecars=False)
    sorted_again = library_stats(library)
    (library / "a1.jpg").rename(library / "kind_a" / "a1.jpg")
    reconcile_if_free(library)
    put_back = library_stats(library)

    assert (taken_out.filed, taken_out.outside) == ({"kind_a": 1, "kind_b": 1}, 2)
    assert (sorted_again.filed, sorted_again.outside) == ({"kind_a": 1, "kind_b": 1}, 2)
    assert (put_back.filed, put_back.outside) == ({"kind_a": 2, "kind_b": 1}, 1)


def test_a_picture_that_lies_twice_in_the_crawl_is_deleted_once(tmp_path: Path) -> None:
    crawl, library = tmp_path / "crawl", tmp_path / "library"
    crawl.mkdir()
    for name in ("a1.jpg", "again a1.jpg", "third a1.jpg", "b1.jpg"):
        (crawl / name).write_bytes(name[-6:-4].encode())

    def tally() -> Tally:
        sort(library, crawl, method=Method.COPY, batch=9, sidecars=False)
        with read_catalog(library) as catalog:
            return tally_crawl(catalog, run=runs.all_runs(catalog)[-1].id, crawl=crawl)

    first = tally()
    (library / "kind_a" / "a1.jpg").unlink()
    then = tally()

    assert (2, 2, 0, 4) == (first.filed, first.duplicates, first.deleted, first.pictures)
    assert (1, 2, 1, 4) == (then.filed, then.duplicates, then.deleted, then.pictures)
    assert then.deleted == library_stats(library).missing["deleted"]
