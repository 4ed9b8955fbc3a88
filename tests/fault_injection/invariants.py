"""The scenario that every fault is injected into, and the invariants that must hold after it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from classifier.catalog.connection import read_catalog
from classifier.catalog.filesystem import state_folder
from classifier.records import Method
from fault_injection.fork_server import Job
from kit.filing import hashes

PICTURES = 12
LAYOUTS = [
    (Method.LINK, "same"),
    (Method.COPY, "same"),
    (Method.SYMLINK, "same"),
    (Method.MOVE, "same"),
    (Method.MOVE, "across"),
]
_TIME_NS = 1_600_000_000_123_456_789


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A crawl whose images share names, sizes and times, and a library where some of the names are taken.

    The person's own files in it have the same size and time; one is named like a temporary copy.
    """

    crawl: Path
    library: Path
    method: Method
    batch: int = 256
    pictures: int = PICTURES
    sidecars: bool = False
    before: list[str] = field(default_factory=list)
    own: dict[Path, tuple[int, bytes]] = field(default_factory=dict)
    """The person's files in the library: inode and content."""

    def job(self, *, mutant: str = "", interfere: str = "", undo: bool = False, strace: tuple[str, ...] = ()) -> Job:
        """A run over this scenario."""
        return Job(
            library=str(self.library),
            crawl=str(self.crawl),
            method=self.method.value,
            batch=self.batch,
            mutant=mutant,
            interfere=interfere,
            sidecars=self.sidecars,
            undo=undo,
            strace=strace,
        )

    def clear(self) -> None:
        """Remove the crawl and the library."""
        shutil.rmtree(self.crawl)
        shutil.rmtree(self.library)


def make_scenario(
    crawl: Path, library: Path, *, method: Method, batch: int = 256, pictures: int = PICTURES
) -> Scenario:
    """Write a new crawl and library."""
    for number in range(pictures):
        path = crawl / f"{number % 3}" / f"{number // 3}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_old(path, b"ab"[number % 2 : number % 2 + 1] + b"%06d" % number * 500)
    (library / "kind_a").mkdir(parents=True)
    made = Scenario(crawl=crawl, library=library, method=method, batch=batch, pictures=pictures, before=hashes(crawl))
    for name in ("0.jpg", "mine.part"):
        path = library / "kind_a" / name
        write_old(path, b"mine".ljust(3001, b"!"))
        made.own[path] = (path.stat().st_ino, path.read_bytes())
    return made


def write_old(path: Path, content: bytes) -> None:
    """Write a file with the time that all files here have."""
    path.write_bytes(content)
    os.utime(path, ns=(_TIME_NS, _TIME_NS))


def check_nothing_lost(scenario: Scenario) -> None:
    """Every image exists, complete; a crawl that must not change has not changed, nor have the person's files."""
    if scenario.method is Method.MOVE:
        assert set(scenario.before) <= set(hashes(scenario.crawl, scenario.library)), "LOST"
    else:
        assert scenario.before == hashes(scenario.crawl), "the crawl was changed"
    now = {path: (path.stat().st_ino, path.read_bytes()) for path in scenario.own if path.exists()}
    assert scenario.own == now, "OVERWRITTEN"
    placed = [path for path in _placed(scenario) if not path.is_symlink()]
    assert [] == [path for path in placed if path.stat().st_size == 0], "EMPTY"


def check_finished(scenario: Scenario) -> None:
    """Every image is placed and recorded exactly once, and no temporary file is left."""
    check_nothing_lost(scenario)
    placed = _placed(scenario)
    assert scenario.pictures == len(placed), "not placed exactly once"
    assert [] == list(scenario.library.rglob(".illsort-*.part")), "left over"
    contents = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in placed)
    assert scenario.before == contents, "other contents than before"
    with read_catalog(scenario.library) as catalog:
        ask = catalog.connection.execute
        assert [] == ask("SELECT * FROM moves WHERE state IN ('intent', 'claimed')").fetchall(), "left open"
        assert (scenario.pictures,) == ask("SELECT count(*) FROM places").fetchone(), "not recorded"
        done = ask("SELECT picture, method FROM moves WHERE state = 'done'").fetchall()
    assert scenario.pictures == len(done) == len(dict(done)), "not done exactly once"
    assert {picture for picture, _ in done} == _in_move_log(scenario), "not in the move log"
    if scenario.method is Method.MOVE:
        # A source that could not be removed is recorded as a copy.
        assert sorted(picture for picture, method in done if method == "copy") == hashes(scenario.crawl), "sources stay"


def _in_move_log(scenario: Scenario) -> set[str]:
    log = state_folder(scenario.library) / "moves.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    return {json.loads(line)["picture"] for line in lines if _is_whole(line)}


def _is_whole(line: str) -> bool:
    """A kill or a full disk may leave an incomplete line."""
    return line.endswith("}")


def _placed(scenario: Scenario) -> list[Path]:
    found = scenario.library.rglob("*.jpg")
    return [path for path in found if ".illsort" not in path.parts and path not in scenario.own]
