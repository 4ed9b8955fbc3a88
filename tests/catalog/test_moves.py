from __future__ import annotations

import errno
import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import move_log
from classifier.catalog.connection import Catalogue, open_catalogue
from classifier.catalog.move_rows import open_entries
from classifier.catalog.moves import (
    Entry,
    Place,
    State,
    add_places,
    begin,
    finish,
    next_id,
    place_of,
    to_bytes,
    to_path,
    update,
)
from classifier.records import Method, PictureId

if TYPE_CHECKING:
    from collections.abc import Iterator

HUGE = 2**64 - 1
ENTRY = Entry(
    id=1,
    run=7,
    picture=PictureId("c0" * 32),
    method=Method.LINK,
    source=b"/crawl/\xff.jpg",
    target=b"cats/\xff.jpg",
    temporary=b"cats/.illsort-7-1.part",
    state=State.INTENT,
    size_bytes=3,
    mtime_ns=5,
    inode=HUGE,
    device=HUGE,
    permissions=0o644,
    note="",
)
PLACE = Place(
    picture=PictureId("c0" * 32),
    path=b"cats/\xff.jpg",
    method=Method.LINK,
    source=b"/crawl/\xff.jpg",
    size_bytes=3,
    mtime_ns=5,
    inode=HUGE,
    device=HUGE,
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """An open catalogue."""
    with open_catalogue(tmp_path) as opened:
        yield opened


def lines(library: Path) -> list[dict[str, object]]:
    """The trail's lines."""
    return [json.loads(line) for line in (library / ".illsort" / "moves.jsonl").read_text().splitlines()]


def test_an_entry_comes_back_as_it_was_however_large_its_inode(catalogue: Catalogue) -> None:
    begin(catalogue, [ENTRY], run=7, folders=[])
    assert [ENTRY] == open_entries(catalogue)


def test_ids_only_grow(catalogue: Catalogue) -> None:
    assert 1 == next_id(catalogue)
    begin(catalogue, [replace(ENTRY, id=41)], run=7, folders=[])
    assert 42 == next_id(catalogue)


def test_an_updated_entry_is_still_open(catalogue: Catalogue) -> None:
    begin(catalogue, [ENTRY], run=7, folders=[])
    claimed = replace(ENTRY, target=b"cats/other.jpg", state=State.CLAIMED, method=Method.COPY, note="why")
    update(catalogue, claimed)
    assert [claimed] == open_entries(catalogue)


def test_a_finished_entry_is_open_no_more_and_its_picture_has_a_place(catalogue: Catalogue, tmp_path: Path) -> None:
    begin(catalogue, [ENTRY], run=7, folders=[])
    finish(catalogue, [replace(ENTRY, state=State.DONE)], library=tmp_path, places=[PLACE])
    assert [] == open_entries(catalogue)
    assert PLACE == place_of(catalogue, PLACE.picture)
    assert None is place_of(catalogue, PictureId("other"))


def test_a_path_belongs_to_one_picture_and_a_picture_to_one_path(catalogue: Catalogue, tmp_path: Path) -> None:
    finish(catalogue, [], library=tmp_path, places=[PLACE])
    finish(catalogue, [], library=tmp_path, places=[replace(PLACE, picture=PictureId("d0"))])
    assert None is place_of(catalogue, PictureId("c0" * 32))
    finish(catalogue, [], library=tmp_path, places=[replace(PLACE, picture=PictureId("d0"), path=b"dogs/a.jpg")])
    assert (1,) == catalogue.connection.execute("SELECT count(*) FROM places").fetchone()


def test_a_renamed_picture_keeps_where_it_came_from(catalogue: Catalogue, tmp_path: Path) -> None:
    finish(catalogue, [], library=tmp_path, places=[PLACE])
    renamed = replace(ENTRY, method=Method.RENAME, source=b"cats/a.jpg", state=State.DONE)
    place = replace(PLACE, path=b"dogs/a.jpg", method=Method.RENAME, source=b"cats/a.jpg")
    finish(catalogue, [renamed], library=tmp_path, places=[place])
    assert replace(PLACE, path=b"dogs/a.jpg") == place_of(catalogue, PLACE.picture)


def test_places_of_a_dry_run_need_no_entries(catalogue: Catalogue, tmp_path: Path) -> None:
    add_places(catalogue, [PLACE], renamed=False)
    add_places(catalogue, [replace(PLACE, path=b"dogs/a.jpg", method=Method.RENAME)], renamed=True)
    assert replace(PLACE, path=b"dogs/a.jpg") == place_of(catalogue, PLACE.picture)
    assert not (tmp_path / ".illsort" / move_log.NAME).exists()


def test_nothing_done_leaves_no_line(catalogue: Catalogue, tmp_path: Path) -> None:
    finish(catalogue, [], library=tmp_path, places=[PLACE])
    assert not (tmp_path / ".illsort" / move_log.NAME).exists()


def test_a_renamed_picture_of_unknown_origin_came_from_where_it_was(catalogue: Catalogue, tmp_path: Path) -> None:
    place = replace(PLACE, method=Method.RENAME)
    finish(catalogue, [replace(ENTRY, method=Method.RENAME)], library=tmp_path, places=[place])
    assert place == place_of(catalogue, PLACE.picture)


def test_a_folder_belongs_to_the_first_run_that_made_it(catalogue: Catalogue) -> None:
    begin(catalogue, [], run=7, folders=[Path("_review/cats")])
    begin(catalogue, [], run=8, folders=[Path("_review/cats")])
    assert [(b"_review/cats", 7)] == catalogue.connection.execute("SELECT path, run FROM folders").fetchall()


def test_the_trail_holds_what_was_done_and_nothing_else(catalogue: Catalogue, tmp_path: Path) -> None:
    failed = replace(ENTRY, id=2, state=State.FAILED)
    finish(catalogue, [replace(ENTRY, state=State.DONE), failed], library=tmp_path, places=[])
    (line,) = lines(tmp_path)
    assert (7, 1, "c0" * 32, "link") == (line["run"], line["id"], line["picture"], line["method"])
    assert (ENTRY.source, ENTRY.target) == (b64decode(str(line["source"])), b64decode(str(line["target"])))


def test_the_trail_is_only_added_to_and_mends_a_torn_line(catalogue: Catalogue, tmp_path: Path) -> None:
    done = replace(ENTRY, state=State.DONE)
    finish(catalogue, [done], library=tmp_path, places=[])
    path = tmp_path / ".illsort" / move_log.NAME
    torn = path.read_text() + '{"run": 7, "id'
    path.write_text(torn)
    finish(catalogue, [replace(done, id=2), replace(done, id=3)], library=tmp_path, places=[])
    assert path.read_text().startswith(torn + "\n")
    assert [2, 3] == [json.loads(line)["id"] for line in path.read_text().splitlines()[2:]]


def test_what_is_not_in_the_trail_is_not_done(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    begin(catalogue, [ENTRY], run=7, folders=[])
    monkeypatch.setattr("classifier.catalog.moves.append_trail", refuse)
    with pytest.raises(OSError, match="full"):
        finish(catalogue, [replace(ENTRY, state=State.DONE)], library=tmp_path, places=[PLACE])
    assert [ENTRY] == open_entries(catalogue)
    assert None is place_of(catalogue, PLACE.picture)


def test_paths_of_any_bytes_are_kept() -> None:
    path = to_path(b"cats/\xff \n.jpg")
    assert b"cats/\xff \n.jpg" == to_bytes(path)
