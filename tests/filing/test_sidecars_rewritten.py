"""A sidecar that the crawler writes anew is refreshed in the library, unless a person changed or deleted it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.filing.reconcile import reconcile_if_free
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.records import Method
from kit.sorting import sort
from kit.tree import all_files, make_tree

if TYPE_CHECKING:
    from pathlib import Path

MODES = [Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]
in_all_modes = pytest.mark.parametrize("method", MODES)


def again(folder: Path, method: Method) -> dict[str, bytes]:
    """Sort; the sidecars in the library."""
    assert [] == sort(folder / "library", folder / "crawl", method=method, batch=4)
    return {name: content for name, content in all_files(folder / "library").items() if name.endswith(".json")}


def filed(folder: Path, method: Method) -> Path:
    """A picture with a sidecar, sorted."""
    make_tree(folder / "crawl", {"a.jpg": b"a", "a.jpg.json": b"old"})
    assert {"kind_a/a.jpg.json": b"old"} == again(folder, method)
    return folder / "library"


def rewrite(path: Path, content: bytes) -> None:
    """As crawlers do: a new file takes the name of the old one."""
    path.with_name("new").write_bytes(content)
    path.with_name("new").replace(path)


@in_all_modes
def test_a_sidecar_that_was_written_anew_is_refreshed(tmp_path: Path, method: Method) -> None:
    library = filed(tmp_path, method)
    for content in (b"newer", b"newest"):
        rewrite(tmp_path / "crawl/a.jpg.json", content)
        for _ in range(2):
            assert {"kind_a/a.jpg.json": content} == again(tmp_path, method)
    assert [] == verify(library).off


@pytest.mark.parametrize("method", [Method.LINK, Method.SYMLINK])
def test_a_sidecar_that_was_written_in_place_is_known_by_its_new_content(tmp_path: Path, method: Method) -> None:
    library = filed(tmp_path, method)
    (tmp_path / "crawl/a.jpg.json").write_bytes(b"written in place")
    assert {"kind_a/a.jpg.json": b"written in place"} == again(tmp_path, method)
    assert [] == verify(library).off
    assert [] == undo(library, run=1).left


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.MOVE])
def test_undo_of_a_refreshing_run_brings_the_old_one_back(tmp_path: Path, method: Method) -> None:
    library = filed(tmp_path, method)
    rewrite(tmp_path / "crawl/a.jpg.json", b"newer")
    again(tmp_path, method)
    summary = undo(library)
    assert [] == summary.left
    assert b"old" == (library / "kind_a/a.jpg.json").read_bytes()
    assert b"newer" == (tmp_path / "crawl/a.jpg.json").read_bytes()
    assert {"kind_a/a.jpg.json": b"newer"} == again(tmp_path, method)


def test_a_changed_sidecar_is_left_and_reported(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.COPY)
    (library / "kind_a/a.jpg.json").write_bytes(b"mine, and longer")
    rewrite(tmp_path / "crawl/a.jpg.json", b"newer")
    found = reconcile_if_free(library)
    assert found is not None
    assert "changed in the library" in found.sentences()[0]
    for _ in range(2):
        assert {"kind_a/a.jpg.json": b"mine, and longer"} == again(tmp_path, Method.COPY)


@in_all_modes
def test_a_sidecar_that_a_person_deleted_is_not_filed_again(tmp_path: Path, method: Method) -> None:
    library = filed(tmp_path, method)
    (library / "kind_a/a.jpg.json").unlink()
    assert {} == again(tmp_path, method)


def test_links_to_sidecars_of_a_renamed_crawl_are_made_anew(tmp_path: Path) -> None:
    library = filed(tmp_path, Method.SYMLINK)
    (tmp_path / "crawl").rename(tmp_path / "other")
    assert [] == sort(library, tmp_path / "other", method=Method.SYMLINK, batch=4)
    assert {"kind_a/a.jpg": b"a", "kind_a/a.jpg.json": b"old"} == all_files(library)
