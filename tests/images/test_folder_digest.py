from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from classifier.images.folder_digest import NO_FILES, folder_digest
from kit.tree import Tree, make_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CRAWL: Tree = {"a.jpg": b"a", "inner": {"b.jpg": b"b"}}


def rewritten(crawl: Path) -> None:
    (crawl / "a.jpg").write_bytes(b"ab")


def touched(crawl: Path) -> None:
    os.utime(crawl / "a.jpg", ns=(0, 0))


@pytest.mark.parametrize(
    "change",
    [
        lambda crawl: (crawl / "inner" / "c.jpg").touch(),
        lambda crawl: (crawl / "a.jpg").unlink(),
        lambda crawl: (crawl / "inner").rename(crawl / "other"),
        rewritten,
        touched,
    ],
    ids=["came", "gone", "renamed", "larger", "another time"],
)
def test_whatever_comes_or_changes_gives_another_digest(tmp_path: Path, change: Callable[[Path], object]) -> None:
    before = folder_digest(make_tree(tmp_path, dict(CRAWL)))
    assert before == folder_digest(tmp_path)
    change(tmp_path)

    assert before != folder_digest(tmp_path)


def test_unfinished_downloads_files_of_the_system_and_the_library_do_not_count(tmp_path: Path) -> None:
    before = folder_digest(make_tree(tmp_path, dict(CRAWL)))
    make_tree(tmp_path, {"c.jpg.part": b"", "Thumbs.db": b"", "@eaDir": {"d": b""}, ".illsort": {"e": b""}})
    library = make_tree(tmp_path / "sorted", {"f.jpg": b""})

    assert before == folder_digest(tmp_path, skip={str(library)})
    assert before != folder_digest(tmp_path)


def test_a_folder_without_files_has_a_digest_of_its_own(tmp_path: Path) -> None:
    make_tree(tmp_path, {"inner": {}})

    assert NO_FILES == folder_digest(tmp_path)


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        folder_digest(tmp_path / "gone")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a symbolic link")
def test_links_are_not_followed(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", dict(CRAWL))
    (crawl / "circle").symlink_to(crawl)

    assert folder_digest(crawl)
