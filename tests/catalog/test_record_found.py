"""A scan records what it finds: what is known of unchanged files stays, and all else is as if it were new."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from classifier.catalog import files
from classifier.catalog.connection import Catalog, open_catalog
from classifier.reasons import Reason, ReasonCode
from classifier.records import Failure, FailureKind, ImageFile, ImageId

CRAWL = Path("/crawl").absolute()
KNOWN = ImageId("a" * 64)


def file(number: int) -> ImageFile:
    return ImageFile(path=CRAWL / f"{number:04}.jpg", size_bytes=9, mtime_ns=7, inode=number, device=1)


def record(catalog: Catalog, found: list[ImageFile], *, run: int, crawl: Path = CRAWL) -> None:
    files.record_found(catalog, run=run, crawl=crawl, files=found)


def known(catalog: Catalog) -> dict[int, tuple[int, str | None, str | None]]:
    """By the number of the file: by which run it was seen, its image, the kind of its failure."""
    rows = catalog.connection.execute("SELECT path, seen, picture, failure_kind FROM files ORDER BY path")
    return {int(path[-8:-4]): (seen, image_id, kind) for path, seen, image_id, kind in rows}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Three files of which the images are known, a corrupt one, and one that could not be read for the moment."""
    catalog = open_catalog(tmp_path / "sorted")
    record(catalog, [file(number) for number in range(5)], run=1)
    with catalog.transaction():
        for number in range(3):
            files.set_image_id(catalog, file(number), KNOWN)
        for number, kind in ((3, FailureKind.CORRUPT), (4, FailureKind.VANISHED)):
            files.set_failure(catalog, file(number).path, Failure(kind=kind, detail=Reason(ReasonCode.TEXT)))
    return catalog


def test_what_is_known_of_unchanged_files_stays(catalog: Catalog) -> None:
    with catalog:
        record(catalog, [file(number) for number in range(4)], run=2)

        corrupt = (2, None, FailureKind.CORRUPT)
        assert {0: (2, KNOWN, None), 1: (2, KNOWN, None), 2: (2, KNOWN, None), 3: corrupt} == {
            number: row for number, row in known(catalog).items() if number < 4
        }
        assert (1, None, FailureKind.VANISHED) == known(catalog)[4]


def test_a_changed_or_new_file_among_them_is_as_if_it_were_new(catalog: Catalog) -> None:
    with catalog:
        changed = replace(file(1), mtime_ns=8)
        record(catalog, [file(0), changed, file(2), file(3), file(9)], run=2)

        assert {0: (2, KNOWN, None), 1: (2, None, None), 2: (2, KNOWN, None), 9: (2, None, None)} == {
            number: row for number, row in known(catalog).items() if number in {0, 1, 2, 9}
        }
        assert (2, None, FailureKind.CORRUPT) == known(catalog)[3]


def test_what_could_not_be_read_for_the_moment_is_tried_again(catalog: Catalog) -> None:
    with catalog:
        record(catalog, [file(number) for number in range(5)], run=2)

        assert (2, None, None) == known(catalog)[4]
        assert (2, None, FailureKind.CORRUPT) == known(catalog)[3]


def test_a_file_of_another_crawl_is_of_the_one_that_found_it_last(catalog: Catalog) -> None:
    with catalog:
        record(catalog, [file(0)], run=2, crawl=CRAWL.parent)
        rows = catalog.connection.execute("SELECT crawl, picture FROM files WHERE seen = 2").fetchall()

        assert [(files.to_bytes(CRAWL.parent), KNOWN)] == rows


def test_a_scan_of_many_files_is_recorded_whole(catalog: Catalog) -> None:
    with catalog:
        many = [file(number) for number in range(1500)]
        record(catalog, many, run=2)
        record(catalog, [*many, file(2000)], run=3)

        assert {3} == {seen for seen, _, _ in known(catalog).values()}
        assert 1501 == len(known(catalog))
