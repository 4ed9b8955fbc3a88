"""What the engine does where the disk lacks, refuses or spoils something."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import Catalog, open_catalog
from classifier.errors import FilingStopped
from classifier.filing.executor import execute
from classifier.filing.fsops import Disk
from classifier.filing.recovery import recover
from classifier.filing.results import Status
from classifier.records import Method
from fault_injection.faulty_disks import Failing, FatDisk, Meddling, NoExclusiveRename, OtherDisk, Spoiling, refusal
from kit.filing import begin_run, hashes, image_file, move_of, moves_of
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.filing import World

MOVING = [Method.LINK, Method.COPY, Method.MOVE]
CALLS = ["rename_exclusively", "link", "symlink", "remove", "make_folder", "sync_folder", "copy", "secure"]
STOPS = [errno.ENOSPC, errno.EIO]


def fill(world: World, count: int = 4) -> list[str]:
    """Some pictures; their hashes."""
    for number in range(count):
        world.add(f"{number}.jpg", b"ab"[number % 2 : number % 2 + 1] + b"%d" % number)
    return hashes(world.crawl)


@pytest.mark.parametrize("disk", [NoExclusiveRename(), FatDisk()])
@pytest.mark.parametrize("method", MOVING)
def test_a_disk_without_exclusive_rename_or_links_gets_every_picture(world: World, method: Method, disk: Disk) -> None:
    before = fill(world)
    outcomes = world.execute(*moves_of(world.crawl, method=method), disk=disk)
    assert [Status.PLACED] * 4 == [outcome.status for outcome in outcomes]
    assert before == hashes(world.library)
    assert ([] if method is Method.MOVE else before) == hashes(world.crawl)


def test_a_link_that_the_disk_cannot_make_is_a_copy_and_says_so(world: World) -> None:
    (outcome,) = world.execute(move_of(world.add("a.jpg", b"cat"), method=Method.LINK), disk=FatDisk())
    assert Method.COPY == outcome.method
    assert [("copy",)] == world.catalog.connection.execute("SELECT method FROM moves").fetchall()


def test_a_symbolic_link_that_the_disk_cannot_make_fails(world: World) -> None:
    (outcome,) = world.execute(move_of(world.add("a.jpg", b"cat"), method=Method.SYMLINK), disk=FatDisk())
    assert (Status.FAILED, os.strerror(errno.ENOSYS)) == (outcome.status, outcome.reason)


@pytest.mark.parametrize("disk", [Disk(), NoExclusiveRename(), FatDisk()])
@pytest.mark.parametrize("method", MOVING)
def test_a_name_taken_in_the_last_instant_is_never_replaced(world: World, method: Method, disk: Disk) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=method)

    class Racing(type(disk)):  # type: ignore[misc]
        def rename_noreplace(self, source: Path, target: Path, **options: object) -> None:
            self.take(target)
            super().rename_noreplace(source, target, **options)

        def link(self, source: Path, target: Path) -> None:
            self.take(target)
            super().link(source, target)

        def take(self, target: Path) -> None:
            if target.name in move.names[:2]:
                target.write_bytes(b"a racer's")

    (outcome,) = world.execute(move, disk=Racing())
    taken = dict.fromkeys(move.names[:2], b"a racer's")
    assert {"cats": {**taken, move.names[2]: b"cat"}} == read_tree(world.library)
    assert Path("cats", move.names[2]) == outcome.path
    assert ["done"] == world.states()


@pytest.mark.parametrize("method", [Method.COPY, Method.MOVE])
def test_a_copy_finds_no_free_name_and_leaves_nothing_behind(world: World, method: Method) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=method)
    make_tree(world.library / "cats", dict.fromkeys(move.names[1:], b"other"))

    def take(_: Path, target: Path) -> None:
        if target.suffix == ".jpg":
            target.write_bytes(b"racer's")

    (outcome,) = world.execute(move, disk=Meddling(take))
    assert Status.FAILED == outcome.status
    assert {"a.jpg": b"cat"} == read_tree(world.crawl)
    others = dict.fromkeys(move.names[1:], b"other")
    assert {move.names[0]: b"racer's", **others} == read_tree(world.library / "cats", hidden=True)


def test_a_move_that_proves_to_cross_disks_goes_by_copy(world: World) -> None:
    before = fill(world)
    outcomes = world.execute(*moves_of(world.crawl, method=Method.MOVE), disk=OtherDisk(world.crawl))
    assert [(Status.PLACED, Method.MOVE)] * 4 == [(outcome.status, outcome.method) for outcome in outcomes]
    assert (before, []) == (hashes(world.library), hashes(world.crawl))


def stubborn(crawl: Path, code: int) -> Disk:
    """Another disk than the crawl's, which removes nothing from the crawl."""

    class Stubborn(OtherDisk):
        def remove(self, path: Path, *, other: Path | None = None) -> None:
            if path.is_relative_to(crawl):
                raise refusal(code, path)
            super().remove(path, other=other)

    return Stubborn(crawl)


def test_a_source_that_cannot_be_removed_stays_and_the_move_is_a_copy(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.MOVE)
    (outcome,) = world.execute(move, disk=stubborn(world.crawl, errno.EACCES))
    assert (Status.PLACED, Method.COPY) == (outcome.status, outcome.method)
    assert "copied, but the original stays: Permission denied" == outcome.reason
    assert ({"a.jpg": b"cat"}, {"cats": {"a.jpg": b"cat"}}) == (read_tree(world.crawl), read_tree(world.library))
    assert [("done", "copy")] == world.catalog.connection.execute("SELECT state, method FROM moves").fetchall()


def test_a_moved_source_whose_disk_stops_goes_at_the_next_start(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.MOVE)
    with pytest.raises(FilingStopped):
        world.execute(move, disk=stubborn(world.crawl, errno.EROFS))
    assert ({"a.jpg": b"cat"}, {"cats": {"a.jpg": b"cat"}}) == (read_tree(world.crawl), read_tree(world.library))
    assert 1 == recover(world.catalog, world.library).done
    assert ({}, {"cats": {"a.jpg": b"cat"}}) == (read_tree(world.crawl), read_tree(world.library))


@pytest.mark.parametrize("edited", [b"edited", None])
def test_a_source_edited_or_deleted_during_its_copy_is_not_removed(world: World, edited: bytes | None) -> None:
    source = world.add("a.jpg", b"cat")

    class Editing(OtherDisk):
        def secure(self, path: Path, sha256: str) -> None:
            super().secure(path, sha256)
            source.unlink()
            if edited is not None:
                source.write_bytes(edited)

    (outcome,) = world.execute(move_of(source, method=Method.MOVE), disk=Editing(world.crawl))
    assert Status.PLACED == outcome.status
    assert (Method.MOVE if edited is None else Method.COPY) == outcome.method
    assert {"cats": {"a.jpg": b"cat"}} == read_tree(world.library)
    assert ({} if edited is None else {"a.jpg": edited}) == read_tree(world.crawl)


def test_a_source_that_was_only_touched_while_it_was_copied_still_goes(world: World) -> None:
    source = world.add("a.jpg", b"cat")

    class Touching(OtherDisk):
        def secure(self, path: Path, sha256: str) -> None:
            super().secure(path, sha256)
            os.utime(source, ns=(1, 1))

    (outcome,) = world.execute(move_of(source, method=Method.MOVE), disk=Touching(world.crawl))
    assert Method.MOVE == outcome.method
    assert not source.exists()


@pytest.mark.parametrize("method", MOVING)
def test_a_source_swapped_in_the_last_instant_is_given_back(world: World, method: Method) -> None:
    source = world.add("a.jpg", b"cat")
    move = move_of(source, method=method)

    def swap(*_: Path) -> None:
        if source.exists() and source.read_bytes() == b"cat":
            source.unlink()
            source.write_bytes(b"another picture")

    (outcome,) = world.execute(move, disk=Meddling(swap))
    if method is Method.COPY:
        assert Status.PLACED == outcome.status
    else:
        assert Status.CHANGED == outcome.status
        assert {"cats": {}} == read_tree(world.library)
    assert {"a.jpg": b"another picture"} == read_tree(world.crawl)


@pytest.mark.parametrize("method", [Method.LINK, Method.MOVE])
def test_a_swapped_source_that_cannot_be_given_back_stays_and_is_named(world: World, method: Method) -> None:
    source = world.add("a.jpg", b"cat")

    class Swapping(Disk):
        def rename_exclusively(self, source: Path, target: Path) -> None:
            self.around(super().rename_exclusively, source, target)

        def link(self, source: Path, target: Path) -> None:
            self.around(super().link, source, target)

        def around(self, call: object, source: Path, target: Path) -> None:
            if source.is_relative_to(world.crawl):
                source.unlink()
                source.write_bytes(b"another")
            call(source, target)  # type: ignore[operator]
            source.unlink(missing_ok=True)
            source.write_bytes(b"a third")

    (outcome,) = world.execute(move_of(source, method=method), disk=Swapping())
    assert Status.FAILED == outcome.status
    assert str(world.library / "cats" / "a.jpg") in outcome.reason
    assert {"cats": {"a.jpg": b"another"}} == read_tree(world.library)
    assert {"a.jpg": b"a third"} == read_tree(world.crawl)


def test_a_source_with_only_a_new_mtime_is_still_the_same_image(world: World) -> None:
    source = world.add("a.jpg", b"cat")
    move = move_of(source, method=Method.MOVE)
    (outcome,) = world.execute(move, disk=Meddling(lambda path, _: os.utime(path, ns=(1, 1))))
    assert Status.PLACED == outcome.status


def test_a_source_that_changed_as_it_was_copied_is_left_alone(world: World) -> None:
    source = world.add("a.jpg", b"cat")
    move = move_of(source, method=Method.COPY)

    class Editing(Disk):
        def copy(self, source: Path, temporary: Path) -> str:
            source.write_bytes(b"dog")
            return super().copy(source, temporary)

    assert [Status.CHANGED] == [outcome.status for outcome in world.execute(move, disk=Editing())]
    assert [] == list(world.library.rglob("*.part"))


@pytest.mark.parametrize("left", [b"half a copy", None])
def test_only_an_earlier_runs_temporary_file_is_replaced(world: World, left: bytes | None) -> None:
    temporary = world.library / "cats" / ".illsort-1-1.part"
    temporary.parent.mkdir()
    temporary.write_bytes(left) if left else temporary.symlink_to("nowhere")
    (outcome,) = world.execute(move_of(world.add("a.jpg", b"cat"), method=Method.COPY))
    assert (Status.PLACED if left else Status.FAILED) == outcome.status
    assert temporary.is_symlink() == (left is None)


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: bytes(len(b)), lambda b: bytes([b[0] ^ 1]) + b[1:]])
def test_a_copy_is_compared_before_its_source_is_removed(world: World, spoil: object) -> None:
    before = fill(world)

    class Both(OtherDisk, Spoiling):
        pass

    disk = Both(world.crawl)
    disk.spoil = spoil  # type: ignore[assignment]
    with pytest.raises(FilingStopped, match="differs"):
        world.execute(*moves_of(world.crawl, method=Method.MOVE), disk=disk)
    assert before == hashes(world.crawl)
    assert [] == hashes(world.library)


@pytest.mark.parametrize("code", STOPS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("method", [*MOVING, Method.SYMLINK])
def test_a_disk_that_stops_anywhere_loses_nothing_and_a_rerun_finishes(
    world: World, method: Method, call: str, code: int
) -> None:
    before = fill(world)
    for number in range(1, 8):
        try:
            world.execute(*moves_of(world.crawl, method=method), disk=Failing(call, code, number=number))
        except FilingStopped as stopped:
            assert os.strerror(code) in str(stopped)  # noqa: PT017 - it may also not be reached
        assert set(before) <= set(hashes(world.crawl, world.library))
    recover(world.catalog, world.library)
    outcomes = world.execute(*moves_of(world.crawl, method=method))
    assert {Status.PLACED} >= {outcome.status for outcome in outcomes}
    assert [] == list(world.library.rglob("*.part"))
    if method is not Method.SYMLINK:
        assert before == hashes(world.library)
    assert ([] if method is Method.MOVE else before) == hashes(world.crawl)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("method", [*MOVING, Method.SYMLINK])
def test_a_refusal_for_one_file_is_that_files_failure_and_the_rest_goes_on(
    world: World, method: Method, call: str
) -> None:
    before = fill(world)

    class Once(Failing):
        def _pass(self, name: str, path: Path) -> None:
            super()._pass(name, path) if self.left > 0 else None

    outcomes = world.execute(*moves_of(world.crawl, method=method), disk=Once(call, errno.EACCES))
    assert Status.PLACED in {outcome.status for outcome in outcomes}
    assert set(before) <= set(hashes(world.crawl, world.library))
    world.execute(*moves_of(world.crawl, method=method))
    assert [] == list(world.library.rglob("*.part"))
    if method is not Method.SYMLINK:
        assert before == hashes(world.library)


def test_a_folder_that_cannot_be_synced_stops_the_run_and_is_recovered(world: World) -> None:
    before = fill(world)
    with pytest.raises(FilingStopped):
        world.execute(*moves_of(world.crawl, method=Method.MOVE), disk=Failing("sync_folder", errno.EACCES, number=4))
    assert ["intent"] * 4 == world.states()
    assert 4 == recover(world.catalog, world.library).done
    assert before == hashes(world.library)


def test_everything_done_before_the_disk_stopped_is_recorded(world: World) -> None:
    fill(world)
    with pytest.raises(FilingStopped, match=r"No space left on device: .*\.jpg\. What is done is recorded"):
        world.execute(*moves_of(world.crawl, method=Method.LINK), disk=Failing("link", errno.ENOSPC, number=3))
    assert ["done", "done", "intent", "cancelled"] == world.states()
    assert (2,) == world.catalog.connection.execute("SELECT count(*) FROM places").fetchone()


def test_copies_that_are_ready_when_the_disk_fills_up_are_still_placed(world: World) -> None:
    fill(world)
    with pytest.raises(FilingStopped):
        world.execute(*moves_of(world.crawl, method=Method.COPY), disk=Failing("copy", errno.ENOSPC, number=4))
    assert 3 == len(hashes(world.library))


def test_a_disk_that_fails_while_planning_stops_before_anything_is_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.LINK)
    monkeypatch.setattr(Path, "lstat", lambda path: (_ for _ in ()).throw(refusal(errno.EIO, path)))
    with pytest.raises(FilingStopped):
        world.execute(move)
    assert [] == world.states()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a tiny disk: DISK FULL IS NOT TESTED ON A REAL DISK HERE")
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=False)
    if mounted.returncode != 0:
        pytest.skip("mount is not allowed here: DISK FULL IS NOT TESTED ON A REAL DISK")
    yield folder
    subprocess.run(["umount", "--recursive", folder], check=True)


@pytest.mark.parametrize("method", [Method.COPY, Method.MOVE])
def test_a_real_full_disk_loses_nothing_and_a_rerun_with_room_finishes(
    tmp_path: Path, tiny_disk: Path, method: Method
) -> None:
    # The catalog is elsewhere, so that it is the pictures that fill the disk.
    crawl, library = tmp_path / "crawl", tiny_disk
    make_tree(crawl, {f"{number}.jpg": b"a%d" % number + bytes(60_000) for number in range(8)})
    before = hashes(crawl)
    with open_catalog(tmp_path / "state") as catalog:
        (library / ".illsort").mkdir()
        subprocess.run(["mount", "--bind", tmp_path / "state" / ".illsort", library / ".illsort"], check=True)
        begin_run(catalog, crawl)
        with pytest.raises(FilingStopped, match="No space left"):
            execute(catalog, library=library, run=1, moves=moves_of(crawl, method=method))
        assert set(before) == set(hashes(crawl, library))
        assert 0 < len(hashes(library)) < 8
        subprocess.run(["mount", "-o", "remount,size=2m", library], check=True)
        recover(catalog, library)
        waiting = [move for move in moves_of(crawl, method=method) if not placed(catalog, move.image_id)]
        outcomes = execute(catalog, library=library, run=1, moves=waiting)
    assert {Status.PLACED} == {outcome.status for outcome in outcomes}
    assert before == hashes(library)
    assert [] == list(library.rglob("*.part"))


def placed(catalog: Catalog, picture: str) -> bool:
    """Whether a picture has a place."""
    row = catalog.connection.execute("SELECT 1 FROM places WHERE picture = ?", (picture,)).fetchone()
    return row is not None


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_a_source_that_may_not_be_read_fails_alone(world: World) -> None:
    good, bad = (move_of(world.add(name, name.encode()), method=Method.COPY) for name in ("a.jpg", "b.jpg"))
    bad.source.path.chmod(0)
    assert [Status.FAILED, Status.PLACED] == [outcome.status for outcome in world.execute(bad, good)]


def test_an_unreadable_source_does_not_stop_the_run(world: World) -> None:
    good, bad = (move_of(world.add(name, name.encode()), method=Method.COPY) for name in ("a.jpg", "b.jpg"))

    class BadSector(Disk):
        def copy(self, source: Path, temporary: Path) -> str:
            if source == bad.source.path:
                source.unlink()
                os.mkfifo(source)
            return super().copy(source, temporary)

    outcomes = world.execute(bad, good, disk=BadSector())
    assert [(Status.FAILED, "it is no regular file"), (Status.PLACED, "")] == [(o.status, o.reason) for o in outcomes]
    assert image_file(good.source.path) == good.source
