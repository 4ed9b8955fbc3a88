"""Recording what a person deleted from a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import migrations
from classifier.catalog.connection import open_catalog
from classifier.catalog.library_changes import (
    ChangeKind,
    LibraryChanges,
    MissingFile,
    count_missing,
    drop_missing,
    record_changes,
)
from classifier.catalog.places import LibraryFile, add_places
from classifier.records import ImageId, Method

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from classifier.catalog.connection import Catalog


def place(number: int) -> LibraryFile:
    name = b"%06d.jpg" % number
    return LibraryFile(
        image_id=ImageId(f"{number:064x}"),
        path=b"cat/" + name,
        method=Method.LINK,
        source=b"/crawl/" + name,
        size_bytes=1,
        mtime_ns=1,
        inode=number,
        device=1,
    )


def steps(catalog: Catalog, work: Callable[[], None]) -> int:
    """How many hundreds of instructions of SQLite `work` takes: the same on every machine."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    catalog.connection.set_progress_handler(step, 100)
    work()
    catalog.connection.set_progress_handler(None, 0)
    return count


def per_file(folder: Path, *, files: int) -> float:
    """The work for each of so many deleted files: recorded, then dropped."""
    places = [place(number) for number in range(files)]
    gone = LibraryChanges(gone=[MissingFile(place=one, what=ChangeKind.DELETED) for one in places])
    with open_catalog(folder) as catalog:
        add_places(catalog, places, renamed=False)
        recorded = steps(catalog, lambda: record_changes(catalog, gone))
        assert files == count_missing(catalog)[ChangeKind.DELETED]
        dropped = steps(catalog, lambda: drop_missing(catalog, places))
        assert 0 == count_missing(catalog)[ChangeKind.DELETED]
    return (recorded + dropped) / files


def test_a_deleted_file_costs_the_same_among_few_and_many(tmp_path: Path) -> None:
    assert per_file(tmp_path / "many", files=2000) < 1.5 * per_file(tmp_path / "few", files=200)


def test_what_is_missing_is_kept_in_an_older_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = [step.__name__ for step in migrations.STEPS].index("m017_failure_codes") + 1
    monkeypatch.setattr(migrations, "STEPS", migrations.STEPS[:older])
    with open_catalog(tmp_path) as catalog:
        record_changes(catalog, LibraryChanges(gone=[MissingFile(place=place(1), what=ChangeKind.DELETED)]))
    monkeypatch.undo()
    with open_catalog(tmp_path) as catalog:
        assert 1 == count_missing(catalog)[ChangeKind.DELETED]
        drop_missing(catalog, [place(1)])
        assert 0 == count_missing(catalog)[ChangeKind.DELETED]
