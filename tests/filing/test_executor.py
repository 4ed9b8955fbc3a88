from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import open_catalog
from classifier.catalog.places import place_of
from classifier.catalog.values import to_bytes
from classifier.filing.fsops import Disk
from classifier.filing.results import Status
from classifier.records import Method
from fault_injection.faulty_disks import Meddling
from kit.filing import begin_run, hashes, image_id_of, move_of, sort
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from kit.filing import World

CRAWL = {"one": {"a.jpg": b"cat", "b.jpg": b"dog"}, "two": {"a.jpg": b"cow"}}
CLASHING = f"a_{image_id_of(b'cow')[:8]}.jpg"
FILED = {"kind_c": {"a.jpg": b"cat", CLASHING: b"cow"}, "kind_d": {"b.jpg": b"dog"}}
MODES = [Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]


@pytest.mark.parametrize("method", MODES)
def test_each_mode_files_every_picture_under_its_own_name(tmp_path: Path, method: Method) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    outcomes = sort(tmp_path / "library", crawl, method=method)
    assert [Status.PLACED] * 3 == [outcome.status for outcome in outcomes]
    assert FILED == read_tree(tmp_path / "library")
    assert ({"one": {}, "two": {}} if method is Method.MOVE else CRAWL) == read_tree(crawl)


@pytest.mark.parametrize("method", MODES)
def test_a_second_run_over_the_same_crawl_changes_nothing(tmp_path: Path, method: Method) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    sort(tmp_path / "library", crawl, method=method)
    assert [] == sort(tmp_path / "library", crawl, method=method)
    assert FILED == read_tree(tmp_path / "library")


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.SYMLINK])
def test_after_a_lost_catalog_files_count_where_they_are(tmp_path: Path, method: Method) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    sort(tmp_path / "library", crawl, method=method)
    shutil.rmtree(tmp_path / "library" / ".illsort")
    outcomes = sort(tmp_path / "library", crawl, method=method)
    assert [(Status.PLACED, method)] * 3 == [(outcome.status, outcome.method) for outcome in outcomes]
    assert FILED == read_tree(tmp_path / "library")


def test_a_batch_may_be_empty(world: World) -> None:
    assert [] == world.execute()


def test_links_share_the_file_and_symlinks_point_to_its_absolute_path(world: World) -> None:
    one, other = world.add("one.jpg", b"1"), world.add("other.jpg", b"2")
    world.execute(move_of(one, method=Method.LINK), move_of(other, method=Method.SYMLINK))
    assert (world.library / "cats" / "one.jpg").samefile(one)
    assert other.absolute() == (world.library / "cats" / "other.jpg").readlink()


def test_a_copy_keeps_time_permissions_and_user_attributes(world: World) -> None:
    source = world.add("a.jpg", b"cat")
    source.chmod(0o4640)
    os.utime(source, ns=(5, 1_600_000_000_123_456_789))
    if sys.platform == "linux":
        os.setxattr(source, "user.note", b"from a friend")
    world.execute(move_of(source, method=Method.COPY))
    copy = world.library / "cats" / "a.jpg"
    assert source.stat().st_mtime_ns == copy.stat().st_mtime_ns
    assert sys.platform == "win32" or 0o640 == stat.S_IMODE(copy.stat().st_mode)
    assert not copy.samefile(source)
    if sys.platform == "linux":
        assert b"from a friend" == os.getxattr(copy, "user.note")


def test_a_thousand_sources_with_five_names_all_find_a_place(tmp_path: Path) -> None:
    for number in range(1000):
        folder = tmp_path / "crawl" / str(number // 5)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number % 5}.jpg").write_bytes(b"a%d" % number)
    before = hashes(tmp_path / "crawl")
    outcomes = sort(tmp_path / "library", tmp_path / "crawl", method=Method.MOVE)
    assert {Status.PLACED} == {outcome.status for outcome in outcomes}
    assert before == hashes(tmp_path / "library")


@pytest.mark.parametrize("method", MODES)
def test_a_file_that_was_there_is_never_replaced(world: World, method: Method) -> None:
    source = world.add("a.jpg", b"cat")
    make_tree(world.library / "cats", {"a.jpg": b"somebody's"})
    (outcome,) = world.execute(move_of(source, method=method))
    named = f"a_{image_id_of(b'cat')[:8]}.jpg"
    assert Path("cats", named) == outcome.path
    assert {"cats": {"a.jpg": b"somebody's", named: b"cat"}} == read_tree(world.library)


@pytest.mark.parametrize("method", MODES)
def test_when_every_name_is_taken_the_move_fails_and_nothing_changes(world: World, method: Method) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=method)
    there = make_tree(world.library / "cats", dict.fromkeys(move.names, b"somebody's"))
    (outcome,) = world.execute(move)
    assert (Status.FAILED, "every name for it is taken by another file") == (outcome.status, outcome.reason)
    assert dict.fromkeys(move.names, b"somebody's") == read_tree(there)
    assert {"a.jpg": b"cat"} == read_tree(world.crawl)


def test_moving_an_image_already_present_keeps_and_reports_the_source(world: World) -> None:
    source = world.add("a.jpg", b"cat")
    make_tree(world.library / "cats", {"a.jpg": b"cat"})
    (outcome,) = world.execute(move_of(source, method=Method.MOVE))
    assert (Status.DUPLICATE, Path("cats/a.jpg")) == (outcome.status, outcome.path)
    assert source.exists()
    assert ["adopted"] == world.states()
    place = place_of(world.catalog, outcome.move.image_id)
    assert place is not None
    assert b"cats/a.jpg" == place.path


@pytest.mark.parametrize("method", MODES)
def test_a_source_that_changed_since_the_scan_is_left_alone(world: World, method: Method) -> None:
    source = world.add("a.jpg", b"cat")
    move = move_of(source, method=method)
    source.write_bytes(b"a bigger cat")
    (outcome,) = world.execute(move)
    assert Status.CHANGED == outcome.status
    assert {"a.jpg": b"a bigger cat"} == read_tree(world.crawl)
    assert {} == read_tree(world.library)


@pytest.mark.parametrize("method", MODES)
def test_a_source_that_vanished_is_gone(world: World, method: Method) -> None:
    source = world.add("a.jpg", b"cat")
    move = move_of(source, method=method)
    source.unlink()
    assert [Status.GONE] == [outcome.status for outcome in world.execute(move)]
    assert ["gone"] == world.states()


@pytest.mark.parametrize("method", MODES)
def test_a_source_that_became_a_link_or_a_pipe_is_left_alone(world: World, method: Method) -> None:
    moves = [move_of(world.add(name, name.encode()), method=method) for name in ("a.jpg", "b.jpg")]
    secret = world.add("../secret", b"a.jpg")
    for move in moves:
        move.source.path.unlink()
    moves[0].source.path.symlink_to(secret)
    os.mkfifo(moves[1].source.path)
    assert [Status.CHANGED] * 2 == [outcome.status for outcome in world.execute(*moves)]
    assert {} == read_tree(world.library)


def test_a_scan_without_inodes_is_checked_by_size_and_time(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.MOVE)
    (outcome,) = world.execute(replace(move, source=replace(move.source, inode=0, device=0)))
    assert Status.PLACED == outcome.status


@pytest.mark.parametrize("method", MODES)
def test_a_disk_that_gives_files_new_inodes_is_believed_by_content(world: World, method: Method) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=method)
    (outcome,) = world.execute(replace(move, source=replace(move.source, inode=move.source.inode + 1)))
    assert Status.PLACED == outcome.status


def test_a_link_in_place_of_a_folder_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (world.library / "cats").symlink_to(tmp_path / "elsewhere")
    (outcome,) = world.execute(move_of(world.add("a.jpg", b"cat"), method=Method.MOVE))
    assert (Status.FAILED, f"{world.library / 'cats'} is not a folder") == (outcome.status, outcome.reason)
    assert {} == read_tree(tmp_path / "elsewhere")


def test_a_source_whose_folder_became_a_file_counts_as_gone(world: World) -> None:
    source = world.add("in/a.jpg", b"cat")
    move = move_of(source, method=Method.LINK)
    shutil.rmtree(source.parent)
    world.add("in", b"a file")
    assert [Status.GONE] == [outcome.status for outcome in world.execute(move)]


def test_a_source_whose_name_is_too_long_to_look_at_fails_alone(world: World) -> None:
    good = move_of(world.add("a.jpg", b"cat"), method=Method.LINK)
    bad = replace(good, source=replace(good.source, path=world.crawl / ("x" * 300)))
    left, placed = (outcome.status for outcome in world.execute(bad, good))
    assert Status.PLACED == placed
    # Windows has one error for a path that is too long and for one at which nothing is.
    assert left is Status.FAILED or (sys.platform == "win32" and left is Status.GONE)


def test_a_move_within_the_library_keeps_the_images_history(world: World) -> None:
    source = world.add("a.jpg", b"cat")
    world.execute(move_of(source, method=Method.LINK, folder="_review/cats"))
    move = move_of(world.library / "_review/cats/a.jpg", method=Method.RENAME, folder="cats")
    (outcome,) = world.execute(move)
    assert (Status.PLACED, Path("cats/a.jpg"), Method.RENAME) == (outcome.status, outcome.path, outcome.method)
    assert {"_review": {"cats": {}}, "cats": {"a.jpg": b"cat"}} == read_tree(world.library)
    place = place_of(world.catalog, move.image_id)
    assert place is not None
    assert (b"cats/a.jpg", Method.LINK, to_bytes(source)) == (place.path, place.method, place.source)


def test_a_symbolic_link_of_the_library_is_renamed_as_it_is(world: World) -> None:
    source = world.add("a.jpg", b"cat")
    world.execute(move_of(source, method=Method.SYMLINK))
    move = move_of(world.library / "cats/a.jpg", method=Method.RENAME, folder="dogs")
    assert [Status.PLACED] == [outcome.status for outcome in world.execute(move)]
    assert source.absolute() == (world.library / "dogs/a.jpg").readlink()


def test_a_rename_never_takes_an_equal_file_for_itself(world: World) -> None:
    make_tree(world.library, {"cats": {"a.jpg": b"cat"}, "dogs": {"a.jpg": b"cat"}})
    move = move_of(world.library / "cats/a.jpg", method=Method.RENAME, folder="dogs")
    world.execute(move)
    assert {"cats": {}, "dogs": dict.fromkeys(move.names[:2], b"cat")} == read_tree(world.library)


def test_a_missing_image_loses_its_place_to_the_next_of_its_name(world: World) -> None:
    first = move_of(world.add("one/a.jpg", b"cat"), method=Method.COPY)
    world.execute(first)
    (world.library / "cats/a.jpg").unlink()
    second = move_of(world.add("two/a.jpg", b"cow"), method=Method.COPY)
    world.execute(second)
    assert None is place_of(world.catalog, first.image_id)
    assert place_of(world.catalog, second.image_id) is not None


def test_the_folders_that_a_run_makes_are_recorded_for_undo(world: World) -> None:
    (world.library / "cats").mkdir()
    world.execute(
        move_of(world.add("a.jpg", b"1"), method=Method.LINK),
        move_of(world.add("b.jpg", b"2"), method=Method.LINK, folder="_review/dogs"),
    )
    rows = world.catalog.connection.execute("SELECT path, run FROM folders ORDER BY path").fetchall()
    assert [(b"_review", 1), (b"_review/dogs", 1)] == rows


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names of any bytes")
def test_an_undecodable_name_is_kept_byte_for_byte(tmp_path: Path) -> None:
    names = [b"\xff\xfe.jpg", b"new\nline.jpg", "\u00e9\u732b.jpg".encode(), b"-rf.jpg", b"x" * 251 + b".jpg"]
    (tmp_path / "crawl").mkdir()
    for number, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(tmp_path / "crawl") + b"/" + name)).write_bytes(b"a%d" % number)
    sort(tmp_path / "library", tmp_path / "crawl", method=Method.MOVE)
    filed = (os.fsencode(path.name) for path in (tmp_path / "library" / "kind_a").iterdir())
    assert sorted(names) == sorted(filed)


def test_a_source_that_vanishes_in_the_last_instant_is_gone(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.LINK)
    (outcome,) = world.execute(move, disk=Meddling(lambda source, _: source.unlink()))
    assert Status.GONE == outcome.status


def test_a_picture_that_is_taken_away_as_it_is_placed_has_no_place(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.LINK)

    class Taking(Disk):
        def sync_folder(self, folder: Path) -> None:
            super().sync_folder(folder)
            (folder / "a.jpg").unlink(missing_ok=True)

    world.execute(move, disk=Taking())
    assert None is place_of(world.catalog, move.image_id)


def test_a_taken_name_that_may_not_be_read_is_another_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.LINK)
    make_tree(world.library / "cats", {"a.jpg": b"dog"})

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "no", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        patched.setattr("classifier.catalog.moves.append_move_log", lambda *_, **__: None)
        (outcome,) = world.execute(move)
    assert Path("cats", move.names[1]) == outcome.path


def test_a_link_across_disks_is_a_copy_from_the_start(world: World) -> None:
    shared = Path("/dev/shm")  # noqa: S108 - a tmpfs is what it is for
    if not shared.is_dir() or shared.stat().st_dev == world.library.stat().st_dev:
        pytest.skip("no second file system at /dev/shm")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        source = make_tree(Path(folder), {"a.jpg": b"cat"}) / "a.jpg"
        begin_run(world.catalog, Path(folder))
        (outcome,) = world.execute(move_of(source, method=Method.LINK))
        assert (Status.PLACED, Method.COPY) == (outcome.status, outcome.method)
        assert {"cats": {"a.jpg": b"cat"}} == read_tree(world.library)


def test_a_library_that_was_moved_is_still_known(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", CRAWL)
    sort(tmp_path / "library", crawl, method=Method.COPY)
    (tmp_path / "library").rename(tmp_path / "moved")
    assert [] == sort(tmp_path / "moved", crawl, method=Method.COPY)
    with open_catalog(tmp_path / "moved") as catalog:
        place = place_of(catalog, image_id_of(b"dog"))
    assert place is not None
    assert b"kind_d/b.jpg" == place.path
