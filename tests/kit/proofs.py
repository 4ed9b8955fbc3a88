"""What must hold at every instant, and at the end: one small crawl, a library with a person's own files, and checks."""

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
from kit.filing import hashes
from kit.nursery import Job

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
class Stage:
    """A crawl of pictures with few names, all as large and as old as each other, and a library where names are taken.

    A person's own files in it are as large and as old too, and one is named like a half copy.
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

    def job(self, *, mutant: str = "", disturb: str = "", undo: bool = False, strace: tuple[str, ...] = ()) -> Job:
        """A run over this stage."""
        return Job(
            library=str(self.library),
            crawl=str(self.crawl),
            method=self.method.value,
            batch=self.batch,
            mutant=mutant,
            disturb=disturb,
            sidecars=self.sidecars,
            undo=undo,
            strace=strace,
        )

    def clear(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.crawl)
        shutil.rmtree(self.library)


def stage(crawl: Path, library: Path, *, method: Method, batch: int = 256, pictures: int = PICTURES) -> Stage:
    """Make a stage anew."""
    for number in range(pictures):
        path = crawl / f"{number % 3}" / f"{number // 3}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_old(path, b"ab"[number % 2 : number % 2 + 1] + b"%06d" % number * 500)
    (library / "kind_a").mkdir(parents=True)
    made = Stage(crawl=crawl, library=library, method=method, batch=batch, pictures=pictures, before=hashes(crawl))
    for name in ("0.jpg", "mine.part"):
        path = library / "kind_a" / name
        write_old(path, b"mine".ljust(3001, b"!"))
        made.own[path] = (path.stat().st_ino, path.read_bytes())
    return made


def write_old(path: Path, content: bytes) -> None:
    """Write a file as old as all others here."""
    path.write_bytes(content)
    os.utime(path, ns=(_TIME_NS, _TIME_NS))


def check_nothing_lost(staged: Stage) -> None:
    """Every picture is somewhere, whole; a crawl that must not change has not; a person's files are untouched."""
    if staged.method is Method.MOVE:
        assert set(staged.before) <= set(hashes(staged.crawl, staged.library)), "LOST"
    else:
        assert staged.before == hashes(staged.crawl), "the crawl was changed"
    now = {path: (path.stat().st_ino, path.read_bytes()) for path in staged.own if path.exists()}
    assert staged.own == now, "OVERWRITTEN"
    placed = [path for path in _placed(staged) if not path.is_symlink()]
    assert [] == [path for path in placed if path.stat().st_size == 0], "EMPTY"


def check_finished(staged: Stage) -> None:
    """All pictures are placed exactly once, recorded, and nothing of ours is left lying about."""
    check_nothing_lost(staged)
    placed = _placed(staged)
    assert staged.pictures == len(placed), "not placed exactly once"
    assert [] == list(staged.library.rglob(".illsort-*.part")), "left over"
    contents = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in placed)
    assert staged.before == contents, "other contents than before"
    with read_catalog(staged.library) as catalog:
        ask = catalog.connection.execute
        assert [] == ask("SELECT * FROM moves WHERE state IN ('intent', 'claimed')").fetchall(), "left open"
        assert (staged.pictures,) == ask("SELECT count(*) FROM places").fetchone(), "not recorded"
        done = ask("SELECT picture, method FROM moves WHERE state = 'done'").fetchall()
    assert staged.pictures == len(done) == len(dict(done)), "not done exactly once"
    assert {picture for picture, _ in done} == _in_trail(staged), "not in the trail"
    if staged.method is Method.MOVE:
        # A source that could not be removed is told as a copy.
        assert sorted(picture for picture, method in done if method == "copy") == hashes(staged.crawl), "sources stay"


def _in_trail(staged: Stage) -> set[str]:
    trail = state_folder(staged.library) / "moves.jsonl"
    lines = trail.read_text().splitlines() if trail.exists() else []
    return {json.loads(line)["picture"] for line in lines if _is_whole(line)}


def _is_whole(line: str) -> bool:
    """A kill or a full disk may leave half a line."""
    return line.endswith("}")


def _placed(staged: Stage) -> list[Path]:
    found = staged.library.rglob("*.jpg")
    return [path for path in found if ".illsort" not in path.parts and path not in staged.own]
