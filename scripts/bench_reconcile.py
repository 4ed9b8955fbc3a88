"""How long it takes to make the catalog agree with the disk: the first step of every command that reads a library.

python scripts/bench_reconcile.py [--pictures 300000] [--categories 30] [--changed 1000] [--folder FOLDER]

A library of empty files is made in a temporary folder (in FOLDER, to measure another disk), with the rows that a sort
leaves. It is looked at as it is, then with so many files deleted and as many moved to another category, then again;
at last what was moved is learned from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog import annotation_log, runs
from classifier.catalog.connection import open_catalog
from classifier.catalog.values import to_bytes
from classifier.filing.reconcile import open_library, reconcile_if_free
from classifier.filing.settle_changes import Answer, settle_changes
from classifier.progress import SilentProgress
from classifier.records import time_of
from classifier.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


def fill(library: Path, *, count: int, categories: int) -> list[Path]:
    """Empty files with their places and decisions; their paths, in the order of the pictures' numbers."""
    folders = [library / f"kind {number:02}" for number in range(categories)]
    for folder in folders:
        folder.mkdir(parents=True)
    paths = [folders[number % categories] / f"{number:07}.jpg" for number in range(count)]
    for path in paths:
        path.touch()
    ids = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
    with open_catalog(library) as catalog, catalog.transaction() as connection:
        runs.begin(catalog, kind=runs.SORT, crawl=Path("/crawl"), mode="link", model="m", bundle=library, settings={})
        connection.executemany("INSERT INTO places VALUES (?, ?, 'link', ?, ?, ?, ?, ?)", rows(library, paths, ids))
        connection.executemany(
            "INSERT INTO decisions VALUES (?, 1, 'file', ?, 0.99, '{}', 'ruled_out')",
            ((picture, path.parent.name) for picture, path in zip(ids, paths, strict=True)),
        )
    return paths


def rows(library: Path, paths: list[Path], ids: list[str]) -> Iterator[tuple[object, ...]]:
    """The places as they are recorded."""
    for picture, path in zip(ids, paths, strict=True):
        seen = path.lstat()
        place = to_bytes(path.relative_to(library)), to_bytes(Path("/crawl") / path.name)
        yield picture, *place, seen.st_size, time_of(seen), str(seen.st_ino), str(seen.st_dev)


def change(paths: list[Path], count: int) -> None:
    """Delete `count` files, and move as many others into the next folder."""
    for path in paths[:count]:
        path.unlink()
    for path, other in zip(paths[count : 2 * count], paths[count + 1 : 2 * count + 1], strict=True):
        path.rename(other.parent / path.name)


def timed(library: Path) -> dict[str, object]:
    """Seconds, and what was found."""
    begun, worked = time.perf_counter(), time.process_time()
    found = reconcile_if_free(library)
    seconds, processor = time.perf_counter() - begun, time.process_time() - worked
    told = {} if found is None else {"deleted": found.deleted, "moved": found.moved}
    return {"seconds": round(seconds, 2), "processor_seconds": round(processor, 2)} | told


def learn(library: Path) -> dict[str, object]:
    """The same for learning from what was moved, the look before it included."""
    begun, worked = time.perf_counter(), time.process_time()
    with open_library(library, SilentProgress()) as catalog:
        settle_changes(catalog, library, Settings(), ask=None, progress=SilentProgress(), answer=Answer.LEARN)
        labels = annotation_log.count(catalog)
    seconds, processor = time.perf_counter() - begun, time.process_time() - worked
    return {"seconds": round(seconds, 2), "processor_seconds": round(processor, 2), "labels": labels}


def main() -> None:
    """Make the library, look at it, change it, look again twice, and learn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300_000)
    parser.add_argument("--categories", type=int, default=30)
    parser.add_argument("--changed", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reconcile-", dir=args.folder) as name:
        library = Path(name) / "sorted"
        paths = fill(library, count=args.pictures, categories=args.categories)
        measured = {"pictures": args.pictures, "as it was": timed(library)}
        change(paths, args.changed)
        measured |= {"changed": timed(library), "and again": timed(library), "learned": learn(library)}
    json.dump(measured, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
