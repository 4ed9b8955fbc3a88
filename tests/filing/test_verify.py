"""Verify tells what is off and changes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import open_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.moves import MoveState, select, update
from classifier.errors import LibraryError
from classifier.filing.undo import undo
from classifier.filing.verify import VerifySummary, verify
from classifier.records import Method
from kit.filing import sort
from kit.progress import SavingProgress
from kit.tree import make_tree, read_tree

if TYPE_CHECKING:
    from pathlib import Path

MODES = [Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]


def filed(folder: Path, method: Method = Method.COPY) -> Path:
    """A library with a cat and a dog."""
    make_tree(folder / "crawl", {"cat.jpg": b"cat", "dog.jpg": b"dog"})
    sort(folder / "library", folder / "crawl", method=method)
    return folder / "library"


def off(summary: VerifySummary) -> dict[str, str]:
    """Names that are off, and how."""
    return {each.path.name: each.what for each in summary.off}


@pytest.mark.parametrize("method", MODES)
@pytest.mark.parametrize("quick", [True, False])
def test_a_library_as_it_was_filed_is_all_right_and_nothing_is_changed(
    tmp_path: Path, method: Method, quick: bool
) -> None:
    library = filed(tmp_path, method)
    before = read_tree(tmp_path, hidden=True)
    progress = SavingProgress()
    assert VerifySummary(checked=2) == verify(library, quick=quick, progress=progress)
    assert before == read_tree(tmp_path, hidden=True)
    assert [(2, 2)] == [(stage.total, stage.done) for stage in progress.stages]


def test_a_library_that_was_undone_is_all_right(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.MOVE)
    undo(library)
    assert VerifySummary(checked=0) == verify(library)


def test_deleted_files_are_counted_and_changed_ones_listed_once(tmp_path: Path) -> None:
    library = filed(tmp_path)
    (library / "kind_c/cat.jpg").unlink()
    (library / "kind_d/dog.jpg").write_bytes(b"longer dog")
    first, then = verify(library), verify(library)
    assert {"dog.jpg": "was changed since it was filed: from now on it is taken to be yours"} == off(first)
    assert {"deleted": 1, "replaced": 1} == first.missing == then.missing
    assert ([], [], 0) == (then.off, then.yours, then.checked)  # counted once, not also as a file nobody knows


def test_a_locked_library_is_reported_wherever_it_is(tmp_path: Path) -> None:
    library = filed(tmp_path)
    (library / "kind_c/cat.jpg").unlink()
    (library / "kind_d/dog.jpg").write_bytes(b"longer dog")
    with hold_lock(library):
        told = off(verify(library))
    assert {"cat.jpg": "is no longer there", "dog.jpg": "was changed: it has another size"} == told
    (library / "kind_d/dog.jpg").unlink()
    (library / "kind_d/dog.jpg").mkdir()
    with hold_lock(library):
        assert "is no plain file any more" == off(verify(library))["dog.jpg"]


def test_only_reading_finds_a_change_that_keeps_size_and_time(tmp_path: Path) -> None:
    library = filed(tmp_path)
    cat = library / "kind_c/cat.jpg"
    seen = cat.stat()
    cat.write_bytes(b"rat")
    os.utime(cat, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert {} == off(verify(library, quick=True))
    assert "content is another" in off(verify(library))["cat.jpg"]
    os.utime(cat, ns=(0, 0))
    assert {"cat.jpg"} == set(off(verify(library, quick=True)))


def test_a_touched_file_with_the_same_content_is_all_right_once_it_is_read(tmp_path: Path) -> None:
    library = filed(tmp_path)
    os.utime(library / "kind_c/cat.jpg", ns=(0, 0))
    assert {} == off(verify(library))


def test_a_dangling_link_or_changed_target_is_reported(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.SYMLINK)
    (tmp_path / "crawl/cat.jpg").unlink()
    (tmp_path / "crawl/dog.jpg").write_bytes(b"cow")
    assert {"leads to nothing", "which was changed"} <= {
        part for what in off(verify(library)).values() for part in (what.split(":")[0], what.split(", ")[-1])
    }
    assert {"dangling": 1} == verify(library).missing


def test_a_redirected_or_replaced_link_is_reported(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.SYMLINK)
    for name in ("kind_c/cat.jpg", "kind_d/dog.jpg"):
        (library / name).unlink()
    (library / "kind_c/cat.jpg").symlink_to(tmp_path)
    (library / "kind_d/dog.jpg").write_bytes(b"dog")
    with hold_lock(library):
        told = off(verify(library))
    assert {"cat.jpg": "leads elsewhere than it did", "dog.jpg": "is no link any more"} == told
    assert {"cat.jpg", "dog.jpg"} == set(off(verify(library)))
    assert {"replaced": 2} == verify(library).missing


def test_files_of_the_user_are_no_error_and_left_temporary_files_are(tmp_path: Path) -> None:
    library = filed(tmp_path)
    make_tree(library, {"kind_c": {"mine.txt": b"note", ".illsort-1-9.part": b"half"}})
    (library / "elsewhere").symlink_to(tmp_path)
    summary = verify(library)
    assert {".illsort-1-9.part": "a temporary file of a stopped run is left"} == off(summary)
    assert [library / "elsewhere", library / "kind_c/mine.txt"] == summary.yours


def test_an_interrupted_change_is_reported(tmp_path: Path) -> None:
    library = filed(tmp_path)
    with open_catalog(library) as catalog:
        (*_, entry) = select(catalog, "1 ORDER BY id")
        update(catalog, replace(entry, state=MoveState.INTENT))
    assert "stopped in its midst" in off(verify(library))["dog.jpg"]


@pytest.mark.parametrize("spoil", ["lost", "cut", "unreadable"])
def test_a_move_log_with_missing_changes_is_reported(tmp_path: Path, spoil: str) -> None:
    library = filed(tmp_path)
    trail = library / ".illsort/moves.jsonl"
    lines = trail.read_text()
    trail.unlink()
    if spoil == "cut":
        trail.write_text(lines[: len(lines) // 4])
    if spoil == "unreadable":
        trail.mkdir()
    assert ("cannot be read" if spoil == "unreadable" else "lacks 2 changes") in off(verify(library))["moves.jsonl"]


def test_a_torn_last_line_after_a_kill_is_no_error(tmp_path: Path) -> None:
    library = filed(tmp_path)
    with (library / ".illsort/moves.jsonl").open("a") as trail:
        trail.write('{"run": 1, "id": 3, "sour')
    assert {} == off(verify(library))


def test_a_damaged_catalog_is_reported(tmp_path: Path) -> None:
    library = filed(tmp_path)
    connection = sqlite3.connect(library / ".illsort/catalogue.sqlite")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("DELETE FROM sqlite_schema WHERE name = 'files_by_picture'")
    connection.commit()
    connection.close()
    assert "the catalog is damaged" in off(verify(library))["catalogue.sqlite"]


def test_a_folder_that_is_no_library_is_an_error(tmp_path: Path) -> None:
    library = filed(tmp_path)
    shutil.rmtree(library / ".illsort")
    with pytest.raises(LibraryError, match="not an illsort library"):
        verify(library)
