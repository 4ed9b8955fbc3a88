from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

import pytest

from classifier.filing import fsops
from classifier.filing.disk_errors import SourceError, is_disk_failure
from classifier.filing.fsops import Disk
from fault_injection.faulty_disks import FatDisk, NoExclusiveRename, refusal
from kit.filing import image_id_of
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from pathlib import Path

DISKS = [Disk(), NoExclusiveRename(), FatDisk()]


def nothing() -> None:
    """No claim to record."""


@pytest.mark.parametrize("disk", DISKS)
def test_a_rename_to_a_free_name_takes_the_file_along(tmp_path: Path, disk: Disk) -> None:
    make_tree(tmp_path, {"a": b"cat"})
    inode = (tmp_path / "a").stat().st_ino
    disk.rename_noreplace(tmp_path / "a", tmp_path / "b", claim=nothing)
    assert {"b": b"cat"} == read_tree(tmp_path)
    assert inode == (tmp_path / "b").stat().st_ino


@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("there", [b"dog", b""])
def test_a_rename_to_a_taken_name_is_refused_and_changes_nothing(tmp_path: Path, disk: Disk, there: bytes) -> None:
    make_tree(tmp_path, {"a": b"cat", "b": there})
    with pytest.raises(FileExistsError):
        disk.rename_noreplace(tmp_path / "a", tmp_path / "b", claim=nothing)
    assert {"a": b"cat", "b": there} == read_tree(tmp_path)


@pytest.mark.parametrize("disk", DISKS)
def test_a_rename_to_a_dangling_link_is_refused(tmp_path: Path, disk: Disk) -> None:
    make_tree(tmp_path, {"a": b"cat"})
    (tmp_path / "b").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        disk.rename_noreplace(tmp_path / "a", tmp_path / "b", claim=nothing)
    assert (tmp_path / "b").is_symlink()


@pytest.mark.parametrize("disk", DISKS)
def test_a_source_that_is_not_there_leaves_nothing_at_the_target(tmp_path: Path, disk: Disk) -> None:
    with pytest.raises(FileNotFoundError):
        disk.rename_noreplace(tmp_path / "a", tmp_path / "b", claim=nothing)
    assert {} == read_tree(tmp_path)


def test_a_placeholder_is_recorded_first_and_never_for_a_taken_name(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": b"cat", "taken": b"dog"})
    claims: list[bool] = []
    with pytest.raises(FileExistsError):
        FatDisk().rename_noreplace(tmp_path / "a", tmp_path / "taken", claim=lambda: claims.append(True))
    assert [] == claims
    FatDisk().rename_noreplace(tmp_path / "a", tmp_path / "b", claim=lambda: claims.append((tmp_path / "b").exists()))
    assert [False] == claims


def test_a_placeholder_that_a_racer_wrote_to_or_took_is_not_renamed_over(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": b"cat"})

    class Racing(FatDisk):
        def _make_empty(self, path: Path) -> os.stat_result:
            made = super()._make_empty(path)
            path.write_bytes(b"racer's")
            return made

    with pytest.raises(FileExistsError):
        Racing().rename_noreplace(tmp_path / "a", tmp_path / "b", claim=nothing)
    assert {"a": b"cat", "b": b"racer's"} == read_tree(tmp_path)


@pytest.mark.parametrize("disk", [Disk(), NoExclusiveRename()])
def test_only_a_missing_system_call_is_worked_around(tmp_path: Path, disk: Disk) -> None:
    make_tree(tmp_path, {"a": b"cat", "file": b""})
    with pytest.raises(FileNotFoundError if sys.platform == "win32" else NotADirectoryError):
        disk.rename_noreplace(tmp_path / "a", tmp_path / "file" / "b", claim=nothing)


def test_a_link_is_removed_when_its_source_cannot_be_removed(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": b"cat"})

    class Stubborn(NoExclusiveRename):
        def remove(self, path: Path, *, other: Path | None = None) -> None:
            if path.name == "a":
                raise refusal(errno.EACCES, path)
            super().remove(path, other=other)

    with pytest.raises(PermissionError):
        Stubborn().rename_noreplace(tmp_path / "a", tmp_path / "b", claim=nothing)
    assert {"a": b"cat"} == read_tree(tmp_path)


def test_a_copy_is_a_new_file_and_returns_the_hash_of_what_it_read(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": b"cat" * 1_000_000, "b": b""})
    digest = Disk().copy(tmp_path / "a", tmp_path / "c")
    assert image_id_of(b"cat" * 1_000_000) == digest
    Disk().secure(tmp_path / "c", digest)
    with pytest.raises(FileExistsError):
        Disk().copy(tmp_path / "a", tmp_path / "b")
    assert b"" == (tmp_path / "b").read_bytes()


def test_a_copy_that_differs_is_a_disk_error(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": b"cat"})
    with pytest.raises(OSError, match="differs") as told:
        Disk().secure(tmp_path / "a", image_id_of(b"dog"))
    assert is_disk_failure(told.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows follows other rules")
def test_a_copy_never_follows_a_link(tmp_path: Path) -> None:
    make_tree(tmp_path, {"secret": b"cat"})
    (tmp_path / "a").symlink_to("secret")
    with pytest.raises(SourceError):
        Disk().copy(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_source_that_breaks_off_is_its_own_fault_and_not_the_disks() -> None:
    class Broken:
        def read(self, _: int) -> bytes:
            raise OSError(errno.EIO, "bad sector")

    with pytest.raises(SourceError, match="bad sector") as told:
        fsops._read(Broken())  # type: ignore[arg-type]
    assert not is_disk_failure(told.value)


def test_a_folder_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": {"b": b"cat"}})
    Disk().make_folder(tmp_path / "a")
    Disk().make_folder(tmp_path / "new")
    assert {"a": {"b": b"cat"}, "new": {}} == read_tree(tmp_path)


@pytest.mark.parametrize(("code", "raised"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_disk_without_folder_sync_is_accepted_and_a_failing_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, raised: bool
) -> None:
    def refuse(folder: Path) -> None:
        raise refusal(code, folder)

    monkeypatch.setattr(fsops, "sync_folder", refuse)
    if raised:
        with pytest.raises(OSError, match=os.strerror(code)):
            Disk().sync_folder(tmp_path)
    else:
        Disk().sync_folder(tmp_path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
def test_a_full_read_only_or_broken_disk_stops_the_run(code: int) -> None:
    assert is_disk_failure(OSError(code, "no"))


@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOENT, errno.ENAMETOOLONG])
def test_one_files_trouble_does_not_stop_the_run(code: int) -> None:
    assert not is_disk_failure(OSError(code, "no"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames so by itself")
def test_a_system_without_the_call_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fsops.ctypes, "CDLL", lambda *_, **__: object())
    with pytest.raises(OSError, match=os.strerror(errno.ENOSYS)):
        Disk().rename_exclusively(tmp_path / "a", tmp_path / "b")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames so by itself")
def test_an_interrupted_system_call_is_retried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = iter([-1, 0])

    class Library:
        def renameat2(self, *_: object) -> int:
            fsops.ctypes.set_errno(errno.EINTR)
            return next(answers)

        renamex_np = renameat2

    monkeypatch.setattr(fsops.ctypes, "CDLL", lambda *_, **__: Library())
    Disk().rename_exclusively(tmp_path / "a", tmp_path / "b")
    assert [] == list(answers)
