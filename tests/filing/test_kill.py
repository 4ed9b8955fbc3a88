"""Killed at any system call, nothing is lost, nothing doubled, and the next run finishes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from classifier.catalogue.store import read_catalogue
from classifier.records import Method
from kit import strace
from kit.filing import hashes, sort

if TYPE_CHECKING:
    from pathlib import Path

NO_STRACE = strace.why_not()
pytestmark = pytest.mark.skipif(bool(NO_STRACE), reason=NO_STRACE)

PICTURES = 12
LAYOUTS = [
    (Method.LINK, "same"),
    (Method.COPY, "same"),
    (Method.SYMLINK, "same"),
    (Method.MOVE, "same"),
    (Method.MOVE, "across"),
]


def fill(crawl: Path) -> None:
    """Twelve pictures with four names, in three folders, of two kinds."""
    for number in range(PICTURES):
        folder = crawl / f"{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number // 3}.jpg").write_bytes(b"ab"[number % 2 : number % 2 + 1] + b"%d" % number * 3000)


def check_nothing_lost(method: Method, crawl: Path, library: Path, before: list[str]) -> None:
    """Every content is still there; where the source stays, the crawl is as it was."""
    if method is Method.MOVE:
        assert set(before) <= set(hashes(crawl, library))
    else:
        assert before == hashes(crawl)


def check_finished(method: Method, crawl: Path, library: Path, before: list[str]) -> None:
    """All pictures are placed exactly once and nothing of ours is left lying about."""
    placed = [path for path in library.rglob("*.jpg") if ".illsort" not in path.parts]
    assert PICTURES == len(placed)
    assert [] == [path for folder in (crawl, library) for path in folder.rglob("*.part")]
    if method is Method.SYMLINK:
        assert sorted(crawl.rglob("*.jpg")) == sorted(path.readlink() for path in placed)
    else:
        assert before == hashes(library)
    assert (hashes(crawl) == []) == (method is Method.MOVE)
    with read_catalogue(library) as catalogue:
        assert (PICTURES,) == catalogue.connection.execute("SELECT count(*) FROM places").fetchone()
        opened = "SELECT count(*) FROM moves WHERE state IN ('intent', 'claimed')"
        assert (0,) == catalogue.connection.execute(opened).fetchone()
        done = catalogue.connection.execute("SELECT picture FROM moves WHERE state = 'done'").fetchall()
        assert PICTURES == len(set(done)) == len(done)


def sweep(method: Method, base: Path, crawls: Path, *, fault: str, batch: int, share: int) -> Counter[str]:
    """Try every `share`-th point; which calls were hit, and how often."""
    hit: Counter[str] = Counter()
    crawl, library = crawls / "crawl", base / "library"
    fill(crawl)
    arguments = [str(library), str(crawl), method.value, str(batch)]
    found = strace.points(arguments, log=base / "log")
    for count, (call, number) in enumerate(found[::share], start=1):
        crawl, library = crawls / f"crawl{count}", base / f"library{count}"
        fill(crawl)
        before = hashes(crawl)
        arguments = [str(library), str(crawl), method.value, str(batch)]
        status = strace.run_with_fault(arguments, call=call, number=number, fault=fault)
        if status != 0:
            hit[call] += 1
        check_nothing_lost(method, crawl, library, before)
        sort(library, crawl, method=method)
        check_finished(method, crawl, library, before)
    return hit


@pytest.mark.parametrize(("method", "layout"), LAYOUTS)
def test_a_kill_at_any_call_loses_and_doubles_nothing(
    method: Method, layout: str, tmp_path: Path, memory_disk: Path
) -> None:
    crawls = memory_disk if layout == "across" else tmp_path
    hit = sweep(method, tmp_path, crawls, fault="signal=KILL", batch=5, share=11)
    assert hit.total() > 8


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["signal=KILL", "error=ENOSPC", "error=EIO"])
@pytest.mark.parametrize("batch", [1, 5, 64])
@pytest.mark.parametrize("way", LAYOUTS)
def test_a_fault_at_every_call_loses_and_doubles_nothing(
    way: tuple[Method, str], batch: int, fault: str, tmp_path: Path, memory_disk: Path
) -> None:
    method, layout = way
    crawls = memory_disk if layout == "across" else tmp_path
    hit = sweep(method, tmp_path, crawls, fault=fault, batch=batch, share=1)
    print(method, layout, batch, fault, dict(hit))  # noqa: T201 - the figure that a sweep is run for
    assert hit.total() > 20
