"""A small sorter over the filing engine: files every picture of a crawl into one library, as a run would.

Run as `python -m kit.filing LIBRARY CRAWL METHOD BATCH`, so that a test can kill it at any instant.
"""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog.connection import open_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.places import place_of
from classifier.catalog.values import to_bytes
from classifier.filing.destination import candidate_names
from classifier.filing.executor import execute
from classifier.filing.path_scope import name_crawl, record_named_crawls
from classifier.filing.recovery import recover
from classifier.progress import SilentProgress
from classifier.records import ImageFile, ImageId, Method, Move, time_of

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.filing.fsops import Disk
    from classifier.filing.results import Outcome

MARK = "the sorter starts here"


def image_file(path: Path) -> ImageFile:
    """What a scan would record of `path`."""
    seen = path.lstat()
    return ImageFile(path=path, size_bytes=seen.st_size, mtime_ns=time_of(seen), inode=seen.st_ino, device=seen.st_dev)


def image_id_of(content: bytes) -> ImageId:
    """The id of this content."""
    return ImageId(hashlib.sha256(content).hexdigest())


def move_of(path: Path, *, method: Method, folder: str = "cats") -> Move:
    """The move that files `path` under its own name."""
    picture = image_id_of(path.read_bytes())
    return Move(
        image_id=picture,
        source=image_file(path),
        folder=Path(folder),
        names=candidate_names(path.name, picture),
        method=method,
    )


def moves_of(crawl: Path, *, method: Method) -> list[Move]:
    """The moves that file every file of `crawl`, each into a folder named by its content's first letter."""
    return [
        move_of(path, method=method, folder=f"kind_{path.read_bytes()[:1].decode()}")
        for path in sorted(crawl.rglob("*"))
        if path.is_file()
    ]


def name(catalog: Catalog, crawl: Path) -> None:
    """Name `crawl` for the library of `catalog`, as `illsort sort --mode move` does."""
    assert catalog.path is not None
    name_crawl(catalog, crawl)
    record_named_crawls(catalog, catalog.path.parent.parent, SilentProgress())


def begin_run(catalog: Catalog, crawl: Path) -> None:
    """Name the crawl, and record the run 1, whose files are those of it."""
    name(catalog, crawl)
    with catalog.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO runs (id, kind, crawl, mode, model, bundle, settings, started, state) "
            "VALUES (1, 'sort', ?, '', '', ?, '{}', '2026-01-01T00:00:00+00:00', 'running')",
            (to_bytes(crawl.absolute()), to_bytes(Path())),
        )


def sort(library: Path, crawl: Path, *, method: Method, batch: int = 256, disk: Disk | None = None) -> list[Outcome]:
    """Recover, then file what has no place yet, in batches."""
    outcomes: list[Outcome] = []
    with hold_lock(library), open_catalog(library) as catalog:
        name(catalog, crawl)
        recover(catalog, library)
        begin_run(catalog, crawl)
        waiting = [move for move in moves_of(crawl, method=method) if place_of(catalog, move.image_id) is None]
        for start in range(0, len(waiting), batch):
            moves = waiting[start : start + batch]
            outcomes += execute(catalog, library=library, run=1, moves=moves, disk=disk)
    return outcomes


@dataclass(frozen=True, kw_only=True)
class World:
    """A crawl and a library with its catalog open."""

    catalog: Catalog
    crawl: Path
    library: Path

    def add(self, name: str, content: bytes) -> Path:
        """Write one file of the crawl."""
        path = self.crawl / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def execute(self, *moves: Move, disk: Disk | None = None) -> list[Outcome]:
        """File these moves as one batch."""
        return execute(self.catalog, library=self.library, run=1, moves=moves, disk=disk)

    def states(self) -> list[str]:
        """The states of the journal's rows, in order."""
        return [state for (state,) in self.catalog.connection.execute("SELECT state FROM moves ORDER BY id")]


def hashes(*folders: Path) -> list[str]:
    """The content of every regular file under `folders`, as a sorted multiset; the library's own state apart."""
    return sorted(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and ".illsort" not in path.relative_to(folder).parts
    )


if __name__ == "__main__":
    os.write(os.open(os.devnull, os.O_WRONLY), MARK.encode())
    sort(Path(sys.argv[1]), Path(sys.argv[2]), method=Method(sys.argv[3]), batch=int(sys.argv[4]))
