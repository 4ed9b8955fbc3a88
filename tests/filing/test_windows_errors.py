"""What the error numbers of Windows mean: a copy instead of a link, a run that stops, or the fault of one file."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.moves import MoveState
from classifier.errors import FilingStopped, LibraryError
from classifier.filing import fsops
from classifier.filing.disk_errors import cannot_link, is_disk_failure
from classifier.filing.fsops import Disk, remove_read_only
from classifier.filing.results import Status
from classifier.filing.symlink_right import check_symlink_right
from classifier.records import Method
from kit.filing import hashes, move_of, moves_of
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from pathlib import Path

    from kit.filing import World

STOPS = [19, 21, 39, 53, 55, 59, 64, 112, 433, 1117, 1167]
COPIES = [1, 50, 362, 395, 396, 1142]


def refusal(number: int, path: Path | None = None) -> OSError:
    """The error of Windows with this number; most are EINVAL to Python."""
    error = OSError(errno.EINVAL, f"Windows error {number}", None if path is None else str(path))
    error.winerror = number  # type: ignore[attr-defined]
    return error


class Refusing(Disk):
    """Refuses every link with one error number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def link(self, source: Path, target: Path) -> None:  # noqa: ARG002, D102 - one of Disk's
        raise refusal(self.number, target)


@pytest.mark.parametrize("number", STOPS)
def test_a_disk_or_share_that_is_gone_stops_the_run_in_one_line(world: World, number: int) -> None:
    before = [world.add(f"{name}.jpg", name.encode()) for name in "abc"]
    with pytest.raises(FilingStopped, match=rf"^Windows error {number}: .* What is done is recorded; run it again"):
        world.execute(*moves_of(world.crawl, method=Method.LINK), disk=Refusing(number))
    assert [MoveState.INTENT, MoveState.CANCELLED, MoveState.CANCELLED] == world.states()
    assert len(before) == len(hashes(world.crawl))


@pytest.mark.parametrize("number", COPIES)
def test_a_file_with_too_many_links_or_in_a_cloud_folder_is_copied(world: World, number: int) -> None:
    (outcome,) = world.execute(move_of(world.add("a.jpg", b"cat"), method=Method.LINK), disk=Refusing(number))
    assert (Status.PLACED, Method.COPY) == (outcome.status, outcome.method)


@pytest.mark.parametrize("number", [2, 5, 32, 183, 206, 1314])
def test_other_numbers_are_the_fault_of_one_file(number: int) -> None:
    assert not is_disk_failure(refusal(number))
    assert not cannot_link(refusal(number))


def test_without_the_right_to_symbolic_links_nothing_is_begun() -> None:
    def refuse(_source: str, target: Path) -> None:
        raise refusal(1314, target)

    with pytest.raises(LibraryError, match="turn on developer mode") as told:
        check_symlink_right(refuse)
    assert "\n" not in str(told.value)


def test_any_other_trouble_with_a_symbolic_link_is_left_to_the_file_it_is_for() -> None:
    def refuse(_source: str, target: Path) -> None:
        raise refusal(50, target)

    check_symlink_right(refuse)
    check_symlink_right()


def test_a_link_to_a_read_only_picture_is_removed_and_the_picture_stays_read_only(tmp_path: Path) -> None:
    make_tree(tmp_path, {"picture": b"cat"})
    original, link = tmp_path / "picture", tmp_path / "link"
    os.link(original, link)
    original.chmod(stat.S_IREAD)
    Disk().remove(link, other=original)
    assert ["picture"] == [path.name for path in tmp_path.iterdir()]
    assert not original.stat().st_mode & stat.S_IWRITE
    original.chmod(stat.S_IREAD | stat.S_IWRITE)


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_read_only_file_is_writable_only_while_its_name_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_refused: bool
) -> None:
    make_tree(tmp_path, {"picture": b"cat"})
    original, link = tmp_path / "picture", tmp_path / "link"
    os.link(original, link)
    original.chmod(stat.S_IREAD)
    seen: list[bool] = []
    unlink = os.unlink

    def remove(path: Path) -> None:
        seen.append(bool(path.stat().st_mode & stat.S_IWRITE))
        if is_refused:
            raise refusal(87, path)
        unlink(path)

    monkeypatch.setattr(fsops.os, "unlink", remove)
    if is_refused:
        with pytest.raises(OSError, match="87"):
            remove_read_only(link, other=original)
    else:
        remove_read_only(link, other=original)
    monkeypatch.undo()
    assert [True] == seen
    assert is_refused == link.exists()
    assert not original.stat().st_mode & stat.S_IWRITE
    original.chmod(stat.S_IREAD | stat.S_IWRITE)


def test_a_read_only_file_with_one_name_goes(tmp_path: Path) -> None:
    make_tree(tmp_path, {"copy": b"cat", "picture": b"cat"})
    (tmp_path / "copy").chmod(stat.S_IREAD)
    remove_read_only(tmp_path / "copy", other=tmp_path / "picture")
    assert {"picture": b"cat"} == read_tree(tmp_path)
    assert (tmp_path / "picture").stat().st_mode & stat.S_IWRITE


def test_a_read_only_file_with_an_unknown_other_name_is_left_to_the_system(tmp_path: Path) -> None:
    """It would stay writable under that name."""
    make_tree(tmp_path, {"a": b"cat", "copy": b"cat"})
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").chmod(stat.S_IREAD)
    assert not fsops._is_read_only(tmp_path / "a", None)
    assert not fsops._is_read_only(tmp_path / "a", tmp_path / "copy")
    assert fsops._is_read_only(tmp_path / "a", tmp_path / "b")
    assert not fsops._is_read_only(tmp_path / "copy", None)
    (tmp_path / "a").chmod(stat.S_IREAD | stat.S_IWRITE)
