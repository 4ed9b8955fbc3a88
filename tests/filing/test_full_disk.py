"""Disks that are really full: of bytes, of files, and the catalog's own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from classifier.errors import IllsortError
from classifier.filing.results import Status
from classifier.records import Method
from kit.filing import hashes, sort
from kit.tree import make_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="FULL DISKS ARE NOT TESTED HERE: only root on Linux can mount a small one",
)

PICTURES = 24
ROOM = "size=16m,nr_inodes=1000"


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[None]:
    """A real file system at `folder`; where root may not mount, that is a failure and no reason to skip."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def grow(folder: Path) -> None:
    """Make room, as a person does who deletes something else."""
    subprocess.run(["mount", "-o", f"remount,{ROOM}", folder], check=True)


def fill(crawl: Path) -> list[str]:
    """Pictures of 20 KB in two kinds; their hashes."""
    make_tree(crawl, {f"{n}.jpg": b"ab"[n % 2 : n % 2 + 1] + b"%d" % n + bytes(20_000) for n in range(PICTURES)})
    return hashes(crawl)


def check_full_then_finished(crawl: Path, library: Path, full: Path, method: Method) -> None:
    """It stops, or names what it could not file, without harm; with room it finishes."""
    before = fill(crawl)
    try:
        outcomes = sort(library, crawl, method=method, batch=5)
    except IllsortError as stopped:
        assert str(library) in str(stopped)  # noqa: PT017 - it may also name single files
    else:
        left = [outcome for outcome in outcomes if outcome.status is not Status.PLACED]
        assert left
        assert all(outcome.reason for outcome in left)
    assert set(before) <= set(hashes(crawl, library))
    if method is not Method.MOVE:
        assert before == hashes(crawl)
    grow(full)
    assert {Status.PLACED} >= {outcome.status for outcome in sort(library, crawl, method=method, batch=5)}
    assert before == hashes(library)
    assert ([] if method is Method.MOVE else before) == hashes(crawl)
    assert [] == list(library.rglob("*.part"))
    assert [] == sort(library, crawl, method=method)


@pytest.mark.parametrize("method", [Method.COPY, Method.MOVE])
@pytest.mark.parametrize("size", ["60k", "120k", "200k", "256k", "300k", "360k", "400k", "512k"])
def test_a_disk_full_of_bytes_loses_nothing_and_with_room_it_finishes(
    tmp_path: Path, size: str, method: Method
) -> None:
    with small_disk(tmp_path / "library", f"size={size}"):
        check_full_then_finished(tmp_path / "crawl", tmp_path / "library", tmp_path / "library", method)


@pytest.mark.parametrize("method", [Method.COPY, Method.MOVE])
@pytest.mark.parametrize("files", [2, 5, 8, 10, 12, 16, 20, 26])
def test_a_disk_full_of_files_loses_nothing_and_with_room_it_finishes(
    tmp_path: Path, files: int, method: Method
) -> None:
    with small_disk(tmp_path / "library", f"size=16m,nr_inodes={files}"):
        check_full_then_finished(tmp_path / "crawl", tmp_path / "library", tmp_path / "library", method)


@pytest.mark.parametrize("method", [Method.LINK, Method.COPY, Method.MOVE])
@pytest.mark.parametrize("size", ["4k", "32k", "120k", "160k", "180k", "200k"])
def test_a_full_catalog_disk_loses_nothing_and_the_run_can_finish(tmp_path: Path, size: str, method: Method) -> None:
    state = tmp_path / "library" / ".illsort"
    with small_disk(state, f"size={size}"):
        check_full_then_finished(tmp_path / "crawl", tmp_path / "library", state, method)
