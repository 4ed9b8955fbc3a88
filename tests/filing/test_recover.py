from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.moves import MoveRecord, MoveState, begin
from classifier.catalog.places import place_of
from classifier.catalog.values import to_bytes
from classifier.errors import FilingStopped
from classifier.filing.recovery import Recovered, recover
from classifier.records import Method
from fault_injection.faulty_disks import Failing, FatDisk
from kit.filing import image_file, image_id_of
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from kit.filing import World

CAT = image_id_of(b"cat")
PART = "cats/.illsort-1-1.part"
CANCELLED = Recovered(done=0, cancelled=1, gone=())
DONE = Recovered(done=1, cancelled=0, gone=())


def left_open(
    world: World,
    method: Method,
    *,
    by_copy: bool | None = None,
    state: MoveState = MoveState.INTENT,
    source: str = "a.jpg",
) -> MoveRecord:
    """The row of a change that was begun for the picture `cat`; by copy where the engine would name a temporary."""
    path = world.crawl / source
    seen = image_file(path) if os.path.lexists(path) else image_file(world.crawl)
    copies = method in {Method.LINK, Method.COPY} if by_copy is None else by_copy
    entry = MoveRecord(
        id=1,
        run=1,
        image_id=CAT,
        method=method,
        source=to_bytes(path),
        target=b"cats/a.jpg",
        temporary=PART.encode() if copies else None,
        state=state,
        size_bytes=3,
        mtime_ns=seen.mtime_ns,
        inode=seen.inode,
        device=seen.device,
        permissions=0o644,
        note="",
    )
    (world.library / "cats").mkdir(exist_ok=True)
    begin(world.catalog, [entry], run=1, folders=[])
    return entry


def trees(world: World) -> tuple[object, object]:
    """The crawl and the library's folder, hidden files too."""
    return read_tree(world.crawl, hidden=True), read_tree(world.library / "cats", hidden=True)


def settle(world: World) -> Recovered:
    """Recover, then once more: the second time there is nothing left to do."""
    recovered = recover(world.catalog, world.library)
    assert Recovered(done=0, cancelled=0, gone=()) == recover(world.catalog, world.library)
    return recovered


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.SYMLINK, Method.MOVE])
def test_a_change_that_never_reached_the_disk_is_cancelled(world: World, method: Method) -> None:
    world.add("a.jpg", b"cat")
    left_open(world, method)
    assert CANCELLED == settle(world)
    assert ({"a.jpg": b"cat"}, {}) == trees(world)
    assert None is place_of(world.catalog, CAT)


@pytest.mark.parametrize("method", [Method.COPY, Method.MOVE])
def test_half_a_copy_is_removed(world: World, method: Method) -> None:
    world.add("a.jpg", b"cat")
    left_open(world, method, by_copy=True)
    (world.library / PART).write_bytes(b"ca")
    assert CANCELLED == settle(world)
    assert ({"a.jpg": b"cat"}, {}) == trees(world)


def test_only_a_regular_file_of_our_pattern_is_removed(world: World) -> None:
    world.add("a.jpg", b"cat")
    entry = left_open(world, Method.COPY)
    (world.library / PART).symlink_to(world.crawl / "a.jpg")
    assert CANCELLED == settle(world)
    assert (world.library / PART).is_symlink()
    (world.library / "cats/mine.part").write_bytes(b"mine")
    begin(world.catalog, [replace(entry, id=2, temporary=b"cats/mine.part")], run=1, folders=[])
    settle(world)
    assert ["cancelled", "failed"] == world.states()
    assert b"mine" == (world.library / "cats/mine.part").read_bytes()


def test_a_move_that_was_made_is_done(world: World) -> None:
    left_open(world, Method.MOVE)
    make_tree(world.library / "cats", {"a.jpg": b"cat"})
    assert DONE == settle(world)
    assert ["done"] == world.states()
    place = place_of(world.catalog, CAT)
    assert place is not None
    assert (b"cats/a.jpg", Method.MOVE) == (place.path, place.method)


@pytest.mark.parametrize("linked", [True, False])
def test_a_link_is_done_and_counts_as_a_copy_if_it_is_another_file(world: World, linked: bool) -> None:
    source = world.add("a.jpg", b"cat")
    left_open(world, Method.LINK)
    target = world.library / "cats" / "a.jpg"
    target.hardlink_to(source) if linked else target.write_bytes(b"cat")
    assert DONE == settle(world)
    assert [("link" if linked else "copy",)] == world.catalog.connection.execute("SELECT method FROM moves").fetchall()
    assert ({"a.jpg": b"cat"}, {"a.jpg": b"cat"}) == trees(world)


def test_a_symbolic_link_that_was_made_is_done(world: World) -> None:
    source = world.add("a.jpg", b"cat")
    left_open(world, Method.SYMLINK)
    (world.library / "cats" / "a.jpg").symlink_to(source)
    assert DONE == settle(world)


def test_a_move_stopped_between_link_and_unlink_is_finished(world: World) -> None:
    source = world.add("a.jpg", b"cat")
    left_open(world, Method.MOVE)
    (world.library / "cats" / "a.jpg").hardlink_to(source)
    assert DONE == settle(world)
    assert ({}, {"a.jpg": b"cat"}) == trees(world)


def test_a_move_across_disks_whose_copy_is_placed_lets_its_source_go(world: World) -> None:
    world.add("a.jpg", b"cat")
    left_open(world, Method.MOVE, by_copy=True)
    make_tree(world.library / "cats", {"a.jpg": b"cat"})
    assert DONE == settle(world)
    assert ({}, {"a.jpg": b"cat"}) == trees(world)


def test_a_source_that_cannot_go_makes_it_a_copy(world: World) -> None:
    world.add("a.jpg", b"cat")
    left_open(world, Method.MOVE, by_copy=True)
    make_tree(world.library / "cats", {"a.jpg": b"cat"})
    assert DONE == recover(world.catalog, world.library, disk=Failing("remove", errno.EACCES))
    assert ({"a.jpg": b"cat"}, {"a.jpg": b"cat"}) == trees(world)
    assert [("copy",)] == world.catalog.connection.execute("SELECT method FROM moves").fetchall()


def test_an_equal_file_that_a_rename_met_is_not_ours_and_the_source_stays(world: World) -> None:
    world.add("a.jpg", b"cat")
    left_open(world, Method.MOVE)
    make_tree(world.library / "cats", {"a.jpg": b"cat"})
    assert CANCELLED == settle(world)
    assert ({"a.jpg": b"cat"}, {"a.jpg": b"cat"}) == trees(world)


def test_two_paths_to_one_and_the_same_name_are_never_unlinked(world: World) -> None:
    (world.library / "cats").rmdir() if (world.library / "cats").exists() else None
    world.add("a.jpg", b"cat")
    (world.crawl / "another name.jpg").hardlink_to(world.crawl / "a.jpg")
    (world.library / "cats").symlink_to(world.crawl)
    left_open(world, Method.MOVE)
    assert Recovered(done=0, cancelled=0, gone=()) == settle(world)
    assert ["failed"] == world.states()
    assert {"a.jpg": b"cat", "another name.jpg": b"cat"} == read_tree(world.crawl)


def test_a_new_file_under_the_old_name_of_a_moved_one_stays(world: World) -> None:
    world.add("a.jpg", b"downloaded again, another picture")
    left_open(world, Method.MOVE)
    make_tree(world.library / "cats", {"a.jpg": b"cat"})
    assert DONE == settle(world)
    assert ({"a.jpg": b"downloaded again, another picture"}, {"a.jpg": b"cat"}) == trees(world)


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.MOVE])
def test_another_file_at_the_target_is_left_alone(world: World, method: Method) -> None:
    world.add("a.jpg", b"cat")
    left_open(world, method)
    make_tree(world.library / "cats", {"a.jpg": b"dog"})
    assert CANCELLED == settle(world)
    assert ({"a.jpg": b"cat"}, {"a.jpg": b"dog"}) == trees(world)


def test_a_picture_at_neither_place_is_named(world: World) -> None:
    left_open(world, Method.MOVE)
    assert Recovered(done=0, cancelled=0, gone=(world.crawl / "a.jpg",)) == settle(world)
    assert ["gone"] == world.states()


def test_half_a_copy_of_a_picture_that_is_gone_is_kept(world: World) -> None:
    left_open(world, Method.COPY)
    (world.library / PART).write_bytes(b"ca")
    assert 1 == len(settle(world).gone)
    assert b"ca" == (world.library / PART).read_bytes()


def test_a_missing_library_folder_is_no_obstacle(world: World) -> None:
    left_open(world, Method.MOVE, source="in/a.jpg")
    (world.library / "cats").rmdir()
    assert 1 == len(settle(world).gone)


def test_a_moved_picture_whose_old_folder_is_gone_is_done(world: World) -> None:
    left_open(world, Method.MOVE, source="in/a.jpg")
    make_tree(world.library / "cats", {"a.jpg": b"cat"})
    assert DONE == settle(world)


def test_the_last_copy_of_a_picture_is_never_removed_but_put_in_its_place(world: World) -> None:
    left_open(world, Method.COPY)
    (world.library / PART).write_bytes(b"cat")
    assert DONE == settle(world)
    assert ({}, {"a.jpg": b"cat"}) == trees(world)


@pytest.mark.parametrize("call", ["rename_exclusively", "link", "remove", "sync_folder"])
def test_the_last_copy_survives_recovery_failing_anywhere(world: World, call: str) -> None:
    left_open(world, Method.MOVE, by_copy=True)
    (world.library / PART).write_bytes(b"cat")

    class Refusing(Failing, FatDisk):
        pass

    with suppress(FilingStopped):
        recover(world.catalog, world.library, disk=Refusing(call, errno.EIO))
    assert b"cat" in trees(world)[1].values()  # type: ignore[attr-defined]
    settle(world)
    assert ({}, {"a.jpg": b"cat"}) == trees(world)


def test_the_last_copy_takes_another_name_when_its_own_is_taken(world: World) -> None:
    left_open(world, Method.MOVE, by_copy=True)
    make_tree(world.library, {"cats": {"a.jpg": b"dog", ".illsort-1-1.part": b"cat"}})
    assert DONE == settle(world)
    assert {"a.jpg": b"dog", f"a_{CAT[:8]}.jpg": b"cat"} == trees(world)[1]


def test_the_last_copy_stays_where_it_is_when_no_name_is_free(world: World) -> None:
    left_open(world, Method.MOVE, by_copy=True)
    names = ["a.jpg", *(f"a_{CAT[:digits]}.jpg" for digits in (8, 16, 64))]
    make_tree(world.library, {"cats": {**dict.fromkeys(names, b"dog"), ".illsort-1-1.part": b"cat"}})
    with pytest.raises(FilingStopped, match="every name"):
        recover(world.catalog, world.library)
    assert b"cat" == (world.library / PART).read_bytes()


def test_an_empty_file_that_was_claimed_is_ours_and_goes(world: World) -> None:
    world.add("a.jpg", b"cat")
    left_open(world, Method.MOVE, state=MoveState.CLAIMED)
    make_tree(world.library / "cats", {"a.jpg": b""})
    assert CANCELLED == settle(world)
    assert ({"a.jpg": b"cat"}, {}) == trees(world)


def test_an_empty_file_that_was_not_claimed_and_a_full_one_that_was_stay(world: World) -> None:
    world.add("a.jpg", b"cat")
    entry = left_open(world, Method.MOVE)
    make_tree(world.library / "cats", {"a.jpg": b""})
    assert CANCELLED == settle(world)
    (world.library / "cats/a.jpg").write_bytes(b"mine")
    begin(world.catalog, [replace(entry, id=2, state=MoveState.CLAIMED)], run=1, folders=[])
    assert CANCELLED == settle(world)
    assert ({"a.jpg": b"cat"}, {"a.jpg": b"mine"}) == trees(world)


def test_a_renamed_symbolic_link_is_known_by_its_inode(world: World) -> None:
    source = world.add("kept/a.jpg", b"cat")
    (world.library / "cats").mkdir()
    link = world.library / "cats" / "a.jpg"
    link.symlink_to(source)
    seen = image_file(link)
    entry = left_open(world, Method.MOVE)
    world.catalog.connection.execute("DELETE FROM moves")
    entry = replace(entry, method=Method.RENAME, source=b"_review/a.jpg", inode=seen.inode, size_bytes=seen.size_bytes)
    begin(world.catalog, [entry], run=1, folders=[])
    assert DONE == settle(world)
    assert source == link.readlink()


def test_a_disk_that_refuses_leaves_the_row_open_for_the_next_start(world: World) -> None:
    left_open(world, Method.MOVE)
    make_tree(world.library / "cats", {"a.jpg": b"cat"})
    with pytest.raises(FilingStopped, match="cannot settle"):
        recover(world.catalog, world.library, disk=Failing("sync_folder", errno.EIO))
    assert ["intent"] == world.states()
    assert DONE == settle(world)


@pytest.mark.skipif(sys.platform == "win32", reason="names on Windows are no bytes")
def test_paths_of_any_bytes_are_settled(world: World) -> None:
    name = os.fsdecode(b"\xff.jpg")
    world.add(name, b"cat")
    left_open(world, Method.MOVE, source=name)
    assert CANCELLED == settle(world)
    assert Path(name).name in trees(world)[0]  # type: ignore[operator]
