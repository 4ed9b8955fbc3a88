"""The catalog is made to agree with the disk before anything is counted: deleted, moved, replaced, dangling."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.moves import MoveState, select, update
from classifier.catalog.stats import library_stats
from classifier.filing import library_diff as comparing
from classifier.filing.reconcile import Reconciled, reconcile, reconcile_if_free
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.records import Method
from kit.sorting import sort
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.catalog.stats import LibraryStats

MODES = [Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]
NONE = {"deleted": 0, "replaced": 0, "dangling": 0}
in_all_modes = pytest.mark.parametrize("method", MODES)


def crawled(folder: Path) -> Path:
    """A crawl of three pictures of kind_a and two of kind_b."""
    return make_tree(
        folder / "crawl", {name: name.encode() for name in ("a1.jpg", "a2.jpg", "a3.jpg", "b1.jpg", "b2.jpg")}
    )


def filed(folder: Path, method: Method = Method.LINK) -> Path:
    """That crawl, sorted."""
    again(folder, crawled(folder), method)
    return folder / "library"


def again(folder: Path, crawl: Path, method: Method = Method.LINK, *, restore_deleted: bool = False) -> None:
    """Sort once more."""
    assert [] == sort(folder / "library", crawl, method=method, batch=4, restore_deleted=restore_deleted)


def seen(library: Path) -> LibraryStats:
    """What a library holds, as status tells it."""
    reconcile_if_free(library)
    return library_stats(library)


@in_all_modes
def test_a_deleted_image_is_not_counted_and_not_filed_again(tmp_path: Path, method: Method) -> None:
    library = filed(tmp_path, method)
    shutil.rmtree(library / "kind_b")
    (library / "kind_a/a1.jpg").unlink()
    now = seen(library)
    assert ({"kind_a": 2}, NONE | {"deleted": 3}) == (now.filed, now.missing)
    again(tmp_path, tmp_path / "crawl", method)
    assert ["kind_a"] == [path.name for path in library.iterdir() if path.name != ".illsort"]
    assert ["a2.jpg", "a3.jpg"] == sorted(path.name for path in library.glob("kind_a/*"))
    assert [] == verify(library).off


def test_one_flag_files_again_what_was_deleted(tmp_path: Path) -> None:
    library = filed(tmp_path)
    shutil.rmtree(library / "kind_b")
    again(tmp_path, tmp_path / "crawl")
    again(tmp_path, tmp_path / "crawl", restore_deleted=True)
    now = seen(library)
    assert ({"kind_a": 3, "kind_b": 2}, NONE) == (now.filed, now.missing)


def test_undoing_a_restore_has_deleted_again_what_a_person_deleted(tmp_path: Path) -> None:
    crawl = crawled(tmp_path)
    (crawl / "b1.jpg.txt").write_bytes(b"words")
    again(tmp_path, crawl, Method.COPY)
    library, run = tmp_path / "library", 2
    shutil.rmtree(library / "kind_b")
    before = seen(library)
    assert NONE | {"deleted": 2} == before.missing
    again(tmp_path, crawl, Method.COPY, restore_deleted=True)
    whole = read_tree(library)
    for _ in range(2):
        undone = undo(library, run=run)
        assert (before.filed, before.missing) == (seen(library).filed, seen(library).missing)
        assert undone.run is not None
        undo(library, run=undone.run)
        assert ({"kind_a": 3, "kind_b": 2}, NONE) == (seen(library).filed, seen(library).missing)
        assert whole == read_tree(library)
    undo(library, run=run)
    again(tmp_path, crawl, Method.COPY)
    assert (before.filed, before.missing) == (seen(library).filed, seen(library).missing)
    assert [] == list(library.glob("kind_b/*"))


def test_a_file_restored_from_the_trash_regains_its_decision(tmp_path: Path) -> None:
    library = filed(tmp_path)
    before = seen(library)
    (library / "kind_a/a1.jpg").rename(tmp_path / "bin")
    assert NONE | {"deleted": 1} == seen(library).missing
    (tmp_path / "bin").rename(library / "kind_a/a1.jpg")
    found = reconcile_if_free(library)
    assert Reconciled(back=1) == found
    assert (before.filed, NONE) == (library_stats(library).filed, library_stats(library).missing)


@in_all_modes
def test_a_manually_moved_image_is_counted_and_left_in_place(tmp_path: Path, method: Method) -> None:
    library = filed(tmp_path, method)
    (library / "mine/best").mkdir(parents=True)
    (library / "kind_a/a1.jpg").rename(library / "kind_b/a1.jpg")
    (library / "kind_a/a2.jpg").rename(library / "mine/best/renamed.jpg")
    now = seen(library)
    assert ({"kind_b": 3, "kind_a": 1, "mine": 1}, NONE) == (now.filed, now.missing)
    tree = read_tree(library)
    for _ in range(2):
        again(tmp_path, tmp_path / "crawl", method)
    assert tree == read_tree(library)
    assert now.filed == library_stats(library).filed
    assert ([], []) == (verify(library).off, verify(library).yours)


def test_two_files_that_swapped_their_places_are_known_where_they_lie(tmp_path: Path) -> None:
    library = filed(tmp_path)
    (library / "kind_a/a1.jpg").rename(tmp_path / "aside")
    (library / "kind_b/b1.jpg").rename(library / "kind_a/a1.jpg")
    (tmp_path / "aside").rename(library / "kind_b/b1.jpg")
    assert Reconciled(moved=2) == reconcile_if_free(library)
    assert {"kind_a": 3, "kind_b": 2} == library_stats(library).filed
    assert [] == verify(library).off


def test_a_copy_put_elsewhere_is_known_by_its_content(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.COPY)
    (library / "kind_b/copied").write_bytes((library / "kind_a/a1.jpg").read_bytes())
    (library / "kind_a/a1.jpg").unlink()
    assert Reconciled(moved=1) == reconcile_if_free(library)


@in_all_modes
def test_a_replaced_file_belongs_to_the_person_and_is_reported_once(tmp_path: Path, method: Method) -> None:
    library = filed(tmp_path, method)
    (library / "kind_a/a1.jpg").unlink()
    (library / "kind_a/a1.jpg").write_bytes(b"mine")
    found = reconcile_if_free(library)
    assert found is not None
    assert (Path("kind_a/a1.jpg"),) == found.replaced
    assert "yours" in found.sentences()[0]
    assert Reconciled() == reconcile_if_free(library)
    now = seen(library)
    assert ({"kind_a": 2, "kind_b": 2}, NONE | {"replaced": 1}) == (now.filed, now.missing)
    again(tmp_path, tmp_path / "crawl", method)
    assert b"mine" == (library / "kind_a/a1.jpg").read_bytes()
    assert 3 == len(list(library.glob("kind_a/*")))


def test_a_file_with_a_new_time_or_inode_is_known_by_its_content(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.COPY)
    content = (library / "kind_a/a1.jpg").read_bytes()
    (library / "kind_a/a1.jpg").unlink()
    (library / "kind_a/a1.jpg").write_bytes(content)
    os.utime(library / "kind_a/a2.jpg", ns=(1, 1))
    assert Reconciled() == reconcile_if_free(library)
    assert [] == verify(library, quick=True).off


def test_links_to_a_renamed_crawl_are_made_anew_and_can_be_undone(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.SYMLINK)
    (tmp_path / "crawl").rename(tmp_path / "other")
    now = seen(library)
    assert ({}, NONE | {"dangling": 5}) == (now.filed, now.missing)
    again(tmp_path, tmp_path / "other", Method.SYMLINK)
    now = seen(library)
    assert ({"kind_a": 3, "kind_b": 2}, NONE) == (now.filed, now.missing)
    links = [path for path in library.rglob("*") if path.is_symlink()]
    assert 5 == len(links)
    assert all(path.exists() for path in links)
    assert [] == verify(library).off
    summary = undo(library)
    assert (5, []) == (summary.removed, summary.left)
    assert [] == [path for path in library.rglob("*") if path.is_symlink()]


def test_links_whose_disk_is_away_and_comes_back_count_again(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.SYMLINK)
    before = seen(library)
    (tmp_path / "crawl").rename(tmp_path / "unplugged")
    assert NONE | {"dangling": 5} == seen(library).missing
    (tmp_path / "unplugged").rename(tmp_path / "crawl")
    now = seen(library)
    assert (before.filed, NONE) == (now.filed, now.missing)
    again(tmp_path, tmp_path / "crawl", Method.SYMLINK)
    assert 5 == len([path for path in library.rglob("*") if path.is_symlink()])


def test_a_link_whose_original_is_gone_does_not_wait_for_ever(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.SYMLINK)
    (tmp_path / "crawl/a1.jpg").unlink()
    (library / "kind_a/a2.jpg").unlink()
    again(tmp_path, tmp_path / "crawl", Method.SYMLINK)
    now = seen(library)
    assert ({"kind_b": 2, "kind_a": 1}, NONE | {"deleted": 1, "dangling": 1}) == (now.filed, now.missing)
    (library / "kind_a/a1.jpg").unlink()
    assert NONE | {"deleted": 1} == seen(library).missing


@pytest.mark.parametrize("method", [Method.LINK, Method.SYMLINK])
def test_a_file_that_grows_in_the_crawl_ends_in_one_folder(tmp_path: Path, method: Method) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.jpg": b"a half", "b.jpg": b"b"})
    again(tmp_path, crawl, method)
    with (crawl / "a.jpg").open("r+b") as file:
        file.write(b"b whole picture")
    if method is Method.LINK:
        (crawl / "a.jpg").rename(crawl / "done.jpg")
    for _ in range(2):
        again(tmp_path, crawl, method)
    library = tmp_path / "library"
    inodes = [path.stat().st_ino for path in library.glob("kind_?/*")]
    assert 2 == len(inodes) == len(set(inodes))
    now = seen(library)
    assert ({"kind_b": 2}, NONE) == (now.filed, now.missing)
    assert [] == verify(library).off


@in_all_modes
def test_a_file_in_the_place_of_a_link_is_kept_when_its_original_changed(tmp_path: Path, method: Method) -> None:
    place = filed(tmp_path, method) / "kind_a" / "a1.jpg"
    place.unlink()
    place.write_bytes(b"a person's own")
    (tmp_path / "crawl/a1.jpg").write_bytes(b"another content")
    again(tmp_path, tmp_path / "crawl", method)
    again(tmp_path, tmp_path / "crawl", method)

    assert b"a person's own" == place.read_bytes()


def test_an_older_library_with_one_file_twice_is_repaired(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.jpg": b"a half"})
    again(tmp_path, crawl)
    (crawl / "a.jpg").write_bytes(b"b whole picture")
    (crawl / "a.jpg").rename(crawl / "done.jpg")
    library = tmp_path / "library"
    hide = pytest.MonkeyPatch()
    hide.setattr("kit.sorting.reconcile", lambda *_: None)
    again(tmp_path, crawl)
    hide.undo()
    assert 2 == len(list(library.glob("kind_?/*")))
    with open_catalog(library) as catalog:
        catalog.connection.execute("DELETE FROM missing")
    again(tmp_path, crawl)
    assert [library / "kind_b/done.jpg"] == list(library.glob("kind_?/*"))
    assert [] == undo(library).left


def test_decisions_of_what_is_missing_do_not_wait(tmp_path: Path) -> None:
    library = filed(tmp_path)
    with open_catalog(library) as catalog:
        catalog.connection.execute("UPDATE decisions SET action = 'review'")
    shutil.rmtree(library / "kind_b")
    reconcile_if_free(library)
    with read_catalog(library) as catalog:
        assert (3,) == catalog.connection.execute("SELECT count(*) FROM decisions").fetchone()


def test_undo_does_not_complain_of_what_a_person_deleted(tmp_path: Path) -> None:
    library = filed(tmp_path)
    (library / "kind_a/a1.jpg").unlink()
    summary = undo(library)
    assert (4, 1, []) == (summary.removed, summary.deleted, summary.left)


def test_undo_leaves_what_a_person_moved_and_names_its_place(tmp_path: Path) -> None:
    library = filed(tmp_path)
    (library / "kind_a/a1.jpg").rename(library / "kind_b/a1.jpg")
    (left,) = undo(library).left
    assert (library / "kind_a/a1.jpg", "it was moved by hand, to kind_b/a1.jpg") == (left.path, left.reason)
    assert (library / "kind_b/a1.jpg").exists()


@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_a_folder_that_cannot_be_read_is_not_taken_for_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = filed(tmp_path)
    look = os.lstat

    def refused(path: bytes | Path) -> os.stat_result:
        if b"kind_b" in os.fsencode(path):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr(comparing.os, "lstat", refused)
    assert Reconciled(unreachable=2) == reconcile_if_free(library)
    assert {"kind_a": 3, "kind_b": 2} == library_stats(library).filed


def test_an_empty_folder_of_another_disk_is_not_taken_for_deleted(tmp_path: Path) -> None:
    library = filed(tmp_path)
    with open_catalog(library) as catalog:
        catalog.connection.execute("UPDATE places SET device = '999999' WHERE instr(path, CAST('kind_b' AS BLOB))")
    for path in library.glob("kind_b/*"):
        path.unlink()
    assert Reconciled(unreachable=2) == reconcile_if_free(library)
    assert {"kind_a": 3, "kind_b": 2} == library_stats(library).filed


def on_other_disk(folder: bytes, patch: pytest.MonkeyPatch, device: int = 999_999) -> None:
    """Whatever lies in a folder of this name, and the folder itself, is on a disk of its own."""
    look, follow = os.lstat, os.stat

    def elsewhere(path: object, seen: os.stat_result) -> os.stat_result:
        is_there = isinstance(path, bytes) and folder in path
        return os.stat_result((*seen[:2], device, *seen[3:]), {"st_mtime_ns": seen.st_mtime_ns}) if is_there else seen

    patch.setattr(comparing.os, "lstat", lambda path: elsewhere(path, look(path)))
    patch.setattr(comparing.os, "stat", lambda path, **more: elsewhere(path, follow(path, **more)))


@pytest.mark.parametrize("method", [Method.COPY, Method.SYMLINK])
def test_a_category_moved_to_a_disk_that_is_then_away_is_out_of_reach(tmp_path: Path, method: Method) -> None:
    library = filed(tmp_path, method)
    before = library_stats(library)
    with pytest.MonkeyPatch.context() as patch:
        on_other_disk(b"kind_b", patch)
        assert Reconciled() == reconcile_if_free(library)
        written = (library / ".illsort/catalogue.sqlite").stat().st_mtime_ns
        assert Reconciled() == reconcile_if_free(library)
        assert written == (library / ".illsort/catalogue.sqlite").stat().st_mtime_ns
    (library / "kind_b").rename(tmp_path / "away")
    (library / "kind_b").mkdir()
    assert Reconciled(unreachable=2) == reconcile_if_free(library)
    assert (before.filed, NONE) == (library_stats(library).filed, library_stats(library).missing)
    summary = undo(library)
    assert (3, 0) == (summary.removed, summary.deleted)
    assert ["it is out of reach, and taken to be as recorded"] * 2 == [left.reason for left in summary.left]
    assert (library / "kind_b").is_dir()
    assert not (library / "kind_a").exists()
    (library / "kind_b").rmdir()
    (tmp_path / "away").rename(library / "kind_b")
    again = undo(library, run=1)
    assert (2, []) == (again.removed, again.left)
    assert not (library / "kind_b").exists()


def test_an_empty_disk_over_a_category_is_not_taken_for_its_deletion(tmp_path: Path) -> None:
    library = filed(tmp_path)
    (library / "kind_b").rename(tmp_path / "beneath")
    (library / "kind_b").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        on_other_disk(b"kind_b", patch)
        assert Reconciled(unreachable=2) == reconcile_if_free(library)


def test_deletion_is_seen_on_a_disk_with_a_new_device_number(tmp_path: Path) -> None:
    library = filed(tmp_path)
    with open_catalog(library) as catalog:
        catalog.connection.execute("UPDATE places SET device = '999999'")
    (library / "kind_a/a1.jpg").unlink()
    shutil.rmtree(library / "kind_b")
    assert Reconciled(deleted=3) == reconcile_if_free(library)
    with read_catalog(library) as catalog:
        devices = catalog.connection.execute("SELECT DISTINCT device FROM places").fetchall()
    assert [(str(library.stat().st_dev),)] == devices


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux can mount a disk")
def test_a_real_disk_that_holds_a_category_may_be_away(tmp_path: Path) -> None:
    crawl = crawled(tmp_path)
    (crawl / "b1.jpg.txt").write_bytes(b"words")
    again(tmp_path, crawl, Method.COPY)
    folder = tmp_path / "library/kind_b"
    shutil.copytree(folder, tmp_path / "kept")
    for path in folder.iterdir():
        path.unlink()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=False).returncode != 0:
        pytest.skip("mount is not allowed here: A DISK THAT IS AWAY IS NOT TESTED ON A REAL DISK")
    try:
        shutil.copytree(tmp_path / "kept", folder, dirs_exist_ok=True)
        assert Reconciled() == reconcile_if_free(tmp_path / "library")
    finally:
        subprocess.run(["umount", folder], check=True)
    assert Reconciled(unreachable=3) == reconcile_if_free(tmp_path / "library")
    summary = undo(tmp_path / "library")
    assert (3, 0, 3) == (summary.removed, summary.deleted, len(summary.left))
    assert folder.is_dir()


def test_while_another_process_owns_the_library_it_is_shown_as_recorded(tmp_path: Path) -> None:
    library = filed(tmp_path)
    (library / "kind_a/a1.jpg").unlink()
    with hold_lock(library):
        assert None is reconcile_if_free(library)
    assert {"kind_a": 3, "kind_b": 2} == library_stats(library).filed


def test_reconciling_without_changes_writes_nothing(tmp_path: Path) -> None:
    library = filed(tmp_path)
    before = (library / ".illsort/catalogue.sqlite").stat().st_mtime_ns
    assert Reconciled() == reconcile_if_free(library)
    assert before == (library / ".illsort/catalogue.sqlite").stat().st_mtime_ns


def test_a_change_that_a_kill_left_open_is_settled_before_places_are_compared(tmp_path: Path) -> None:
    library = filed(tmp_path)
    with open_catalog(library) as catalog:
        (entry,) = select(catalog, "target = ?", (b"kind_a/a1.jpg",))
        update(catalog, replace(entry, state=MoveState.INTENT))
    (library / "kind_a/a1.jpg").unlink()
    assert Reconciled() == reconcile_if_free(library, is_settled=False)
    assert Reconciled(deleted=1) == reconcile_if_free(library)
    with read_catalog(library) as catalog:
        assert [] == select(catalog, "state IN ('intent', 'claimed')", ())


@pytest.mark.parametrize("change", ["delete", "move", "replace", "unlink the original"])
def test_a_kill_before_the_commit_loses_nothing_that_was_found(tmp_path: Path, change: str) -> None:
    library = filed(tmp_path, Method.SYMLINK if change == "unlink the original" else Method.COPY)
    path = library / "kind_a/a1.jpg"
    changes: dict[str, Callable[[], object]] = {
        "delete": path.unlink,
        "move": lambda: path.rename(library / "kind_b/moved"),
        "replace": lambda: path.write_bytes(b"another"),
        "unlink the original": (tmp_path / "crawl/a1.jpg").unlink,
    }
    changes[change]()
    with open_catalog(library) as catalog, pytest.MonkeyPatch.context() as patch:
        patch.setattr("classifier.catalog.library_changes.utc_now", _killed)
        patch.setattr("classifier.catalog.manual_moves.utc_now", _killed)
        with pytest.raises(KeyboardInterrupt):
            reconcile(catalog, library)
        assert (5,) == catalog.connection.execute("SELECT count(*) FROM places").fetchone()
    found = reconcile_if_free(library)
    assert found is not None
    assert 1 == found.deleted + found.moved + len(found.replaced) + len(found.dangling)


def _killed() -> str:
    raise KeyboardInterrupt
