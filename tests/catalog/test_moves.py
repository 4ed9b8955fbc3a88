from __future__ import annotations

import errno
import json
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import move_log
from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.moves import MoveRecord, MoveState, begin, damaged_rows, finish, next_id, open_entries, update
from classifier.catalog.places import LibraryFile, add_places, place_of
from classifier.catalog.values import to_bytes, to_message, to_path
from classifier.errors import Message
from classifier.records import ImageId, Method

if TYPE_CHECKING:
    from collections.abc import Iterator

HUGE = 2**64 - 1
ENTRY = MoveRecord(
    id=1,
    run=7,
    image_id=ImageId("c0" * 32),
    method=Method.LINK,
    source=b"/crawl/\xff.jpg",
    target=b"cats/\xff.jpg",
    temporary=b"cats/.illsort-7-1.part",
    state=MoveState.INTENT,
    size_bytes=3,
    mtime_ns=5,
    inode=HUGE,
    device=HUGE,
    permissions=0o644,
    note="",
)
PLACE = LibraryFile(
    image_id=ImageId("c0" * 32),
    path=b"cats/\xff.jpg",
    method=Method.LINK,
    source=b"/crawl/\xff.jpg",
    size_bytes=3,
    mtime_ns=5,
    inode=HUGE,
    device=HUGE,
)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """An open catalog."""
    with open_catalog(tmp_path) as opened:
        yield opened


def lines(library: Path) -> list[dict[str, object]]:
    """The trail's lines."""
    return [json.loads(line) for line in (library / ".illsort" / "moves.jsonl").read_text().splitlines()]


def test_an_entry_is_read_back_unchanged_with_any_inode(catalog: Catalog) -> None:
    begin(catalog, [ENTRY], run=7, folders=[])
    assert [ENTRY] == open_entries(catalog)


def test_ids_only_grow(catalog: Catalog) -> None:
    assert 1 == next_id(catalog)
    begin(catalog, [replace(ENTRY, id=41)], run=7, folders=[])
    assert 42 == next_id(catalog)


def test_an_updated_entry_is_still_open(catalog: Catalog) -> None:
    begin(catalog, [ENTRY], run=7, folders=[])
    claimed = replace(ENTRY, target=b"cats/other.jpg", state=MoveState.CLAIMED, method=Method.COPY, note="why")
    update(catalog, claimed)
    assert [claimed] == open_entries(catalog)


def test_a_row_keeps_the_parts_of_its_note_and_is_sound(catalog: Catalog) -> None:
    begin(catalog, [replace(ENTRY, note=Message("{path} is not a folder", path="/a"))], run=7, folders=[])
    (read,) = open_entries(catalog)
    update(catalog, replace(read, state=MoveState.CLAIMED))

    assert [] == damaged_rows(catalog)
    assert [read.note] == [entry.note for entry in open_entries(catalog)]
    assert "/a is not a folder" == to_message(read.note)


def test_a_finished_entry_is_closed_and_its_image_has_a_place(catalog: Catalog, tmp_path: Path) -> None:
    begin(catalog, [ENTRY], run=7, folders=[])
    finish(catalog, [replace(ENTRY, state=MoveState.DONE)], library=tmp_path, places=[PLACE])
    assert [] == open_entries(catalog)
    assert PLACE == place_of(catalog, PLACE.image_id)
    assert None is place_of(catalog, ImageId("other"))


def test_a_path_has_one_image_and_an_image_one_path(catalog: Catalog, tmp_path: Path) -> None:
    finish(catalog, [], library=tmp_path, places=[PLACE])
    finish(catalog, [], library=tmp_path, places=[replace(PLACE, image_id=ImageId("d0"))])
    assert None is place_of(catalog, ImageId("c0" * 32))
    finish(catalog, [], library=tmp_path, places=[replace(PLACE, image_id=ImageId("d0"), path=b"dogs/a.jpg")])
    assert (1,) == catalog.connection.execute("SELECT count(*) FROM places").fetchone()


def test_a_renamed_image_keeps_its_source(catalog: Catalog, tmp_path: Path) -> None:
    finish(catalog, [], library=tmp_path, places=[PLACE])
    renamed = replace(ENTRY, method=Method.RENAME, source=b"cats/a.jpg", state=MoveState.DONE)
    place = replace(PLACE, path=b"dogs/a.jpg", method=Method.RENAME, source=b"cats/a.jpg")
    finish(catalog, [renamed], library=tmp_path, places=[place])
    assert replace(PLACE, path=b"dogs/a.jpg") == place_of(catalog, PLACE.image_id)


def test_places_of_a_dry_run_need_no_entries(catalog: Catalog, tmp_path: Path) -> None:
    add_places(catalog, [PLACE], renamed=False)
    add_places(catalog, [replace(PLACE, path=b"dogs/a.jpg", method=Method.RENAME)], renamed=True)
    assert replace(PLACE, path=b"dogs/a.jpg") == place_of(catalog, PLACE.image_id)
    assert not (tmp_path / ".illsort" / move_log.NAME).exists()


def test_without_changes_no_line_is_logged(catalog: Catalog, tmp_path: Path) -> None:
    finish(catalog, [], library=tmp_path, places=[PLACE])
    assert not (tmp_path / ".illsort" / move_log.NAME).exists()


def test_a_renamed_image_of_unknown_source_came_from_its_old_path(catalog: Catalog, tmp_path: Path) -> None:
    place = replace(PLACE, method=Method.RENAME)
    finish(catalog, [replace(ENTRY, method=Method.RENAME)], library=tmp_path, places=[place])
    assert place == place_of(catalog, PLACE.image_id)


def test_a_folder_belongs_to_the_first_run_that_created_it(catalog: Catalog) -> None:
    begin(catalog, [], run=7, folders=[Path("_review/cats")])
    begin(catalog, [], run=8, folders=[Path("_review/cats")])
    assert [(b"_review/cats", 7)] == catalog.connection.execute("SELECT path, run FROM folders").fetchall()


def test_the_log_has_the_finished_changes_only(catalog: Catalog, tmp_path: Path) -> None:
    failed = replace(ENTRY, id=2, state=MoveState.FAILED)
    finish(catalog, [replace(ENTRY, state=MoveState.DONE), failed], library=tmp_path, places=[])
    (line,) = lines(tmp_path)
    assert (7, 1, "c0" * 32, "link") == (line["run"], line["id"], line["picture"], line["method"])
    assert (ENTRY.source, ENTRY.target) == (b64decode(str(line["source"])), b64decode(str(line["target"])))


def test_the_log_is_appended_to_after_an_incomplete_line(catalog: Catalog, tmp_path: Path) -> None:
    done = replace(ENTRY, state=MoveState.DONE)
    finish(catalog, [done], library=tmp_path, places=[])
    path = tmp_path / ".illsort" / move_log.NAME
    torn = path.read_text() + '{"run": 7, "id'
    path.write_text(torn)
    finish(catalog, [replace(done, id=2), replace(done, id=3)], library=tmp_path, places=[])
    assert path.read_text().startswith(torn + "\n")
    assert [2, 3] == [json.loads(line)["id"] for line in path.read_text().splitlines()[2:]]


def test_a_change_that_cannot_be_logged_is_not_done(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    begin(catalog, [ENTRY], run=7, folders=[])
    monkeypatch.setattr("classifier.catalog.moves.append_move_log", refuse)
    with pytest.raises(OSError, match="full"):
        finish(catalog, [replace(ENTRY, state=MoveState.DONE)], library=tmp_path, places=[PLACE])
    assert [ENTRY] == open_entries(catalog)
    assert None is place_of(catalog, PLACE.image_id)


@pytest.mark.skipif(sys.platform == "win32", reason="names on Windows are no bytes")
def test_paths_of_any_bytes_are_logged() -> None:
    path = to_path(b"cats/\xff \n.jpg")
    assert b"cats/\xff \n.jpg" == to_bytes(path)
