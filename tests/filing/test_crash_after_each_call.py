"""A process that dies right after each change of the disk: what the journal must have recorded before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.filing.fsops import Disk
from classifier.filing.recovery import recover
from classifier.records import Method
from fault_injection.faulty_disks import FatDisk, NoExclusiveRename, OtherDisk
from kit.filing import move_of
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kit.filing import World


class Killed(BaseException):
    """The process is no more."""


def killed_after(disk: type[Disk], name: str, *, when: Callable[[Path], bool] = lambda _: True) -> type[Disk]:
    """A disk on which the process dies right after the call `name` whose last path is as `when` says."""

    def call(self: Disk, *paths: Path) -> None:
        getattr(super(dying, self), name)(*paths)
        if when(paths[-1]):
            raise Killed

    dying = type("Dying", (disk,), {name: call})
    return dying


def test_a_second_name_is_in_the_journal_before_it_is_on_the_disk(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.MOVE)

    class Taking(Disk):
        def rename_exclusively(self, source: Path, target: Path) -> None:
            if target.name == "a.jpg":
                target.write_bytes(b"a racer's")
            super().rename_exclusively(source, target)

    with pytest.raises(Killed):
        world.execute(move, disk=killed_after(Taking, "rename_exclusively")())
    recover(world.catalog, world.library)
    assert ["done"] == world.states()
    assert {"cats": {"a.jpg": b"a racer's", move.names[1]: b"cat"}} == read_tree(world.library)


def test_a_move_by_copy_is_journaled_before_the_copy_is_placed(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.MOVE)
    disk = killed_after(OtherDisk, "rename_exclusively", when=lambda path: path.name == "a.jpg")
    with pytest.raises(Killed):
        world.execute(move, disk=disk(world.crawl))  # type: ignore[call-arg]
    assert ({"a.jpg": b"cat"}, {"cats": {"a.jpg": b"cat"}}) == (read_tree(world.crawl), read_tree(world.library))
    assert 1 == recover(world.catalog, world.library).done
    assert ({}, {"cats": {"a.jpg": b"cat"}}) == (read_tree(world.crawl), read_tree(world.library))


def test_an_empty_file_of_ours_is_in_the_journal_before_it_is_on_the_disk(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.MOVE)

    class Dying(FatDisk):
        def _make_empty(self, path: Path) -> object:  # type: ignore[override]
            super()._make_empty(path)
            raise Killed

    with pytest.raises(Killed):
        world.execute(move, disk=Dying())
    assert {"cats": {"a.jpg": b""}} == read_tree(world.library)
    recover(world.catalog, world.library)
    assert ({"a.jpg": b"cat"}, {"cats": {}}) == (read_tree(world.crawl), read_tree(world.library))


def test_a_folder_is_recorded_as_the_runs_own_before_it_is_made(world: World) -> None:
    move = move_of(world.add("a.jpg", b"cat"), method=Method.MOVE)
    with pytest.raises(Killed):
        world.execute(move, disk=killed_after(Disk, "make_folder")())
    assert [(b"cats",)] == world.catalog.connection.execute("SELECT path FROM folders").fetchall()


def test_a_move_by_link_and_unlink_syncs_the_folder_between(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": b"cat", "in": {}})
    made: list[tuple[str, str]] = []

    class Recording(NoExclusiveRename):
        def link(self, source: Path, target: Path) -> None:
            super().link(source, target)
            made.append(("link", target.name))

        def sync_folder(self, folder: Path) -> None:
            super().sync_folder(folder)
            made.append(("sync", folder.name))

        def remove(self, path: Path, *, other: Path | None = None) -> None:
            super().remove(path, other=other)
            made.append(("remove", path.name))

    Recording().rename_noreplace(tmp_path / "a", tmp_path / "in" / "b", claim=lambda: None)
    assert [("link", "b"), ("sync", "in"), ("remove", "a")] == made
