"""Records the images of a crawl; a known image under a new name is recognized by its hash and not predicted again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from classifier.catalog import files
from classifier.catalog.connection import Catalog
from classifier.catalog.files import is_known_image
from classifier.images.hashing import hash_file
from classifier.images.walk_result import WalkResult
from classifier.progress import Progress
from classifier.records import Failure, FailureKind, ImageFile, PictureId
from classifier.sort.scope import Scope

T = TypeVar("T")

_BATCH = 1000
_HASHING_THREADS = 4


def scan(
    catalog: Catalog, *, run: int, crawl: Path, library: Path, progress: Progress, scope: Scope | None = None
) -> WalkResult:
    """Record every image under `crawl`, without those in `library`, as found by `run`, and what could not be read."""
    found = WalkResult()
    with progress.stage("looking for pictures", total=None, unit="picture") as stage:
        for batch in _batches((scope or Scope()).pictures(crawl, library=library, found=found)):
            files.record_found(catalog, run=run, crawl=crawl, files=batch)
            stage.advance(len(batch))
    for sentence in (*found.sentences(), *found.complaints):
        progress.say(sentence)
    files.record_unreadable(catalog, run=run, crawl=crawl, refused=found.refused)
    return found


def recognize(catalog: Catalog, *, run: int, crawl: Path, progress: Progress) -> None:
    """Hash new files that have the size of a known image, and record those that are identical to one.

    A moved or renamed crawl consists of such files: they are read, but not decoded and predicted again.
    """
    paths = files.to_hash(catalog, run=run, crawl=crawl)
    with (
        progress.stage("recognizing", total=len(paths), unit="picture") as stage,
        ThreadPoolExecutor(_HASHING_THREADS) as pool,
    ):
        for batch in _batches(paths):
            hashed = list(pool.map(_hash, batch))
            with catalog.transaction():
                for path, result in zip(batch, hashed, strict=True):
                    _record(catalog, path, result)
            stage.advance(len(batch))


def _hash(path: Path) -> tuple[ImageFile, PictureId] | Failure:
    try:
        return hash_file(path)
    except FileNotFoundError:
        return Failure(kind=FailureKind.VANISHED, detail="it was there when the crawl was scanned")
    except OSError as error:
        return Failure(kind=FailureKind.UNREADABLE, detail=error.strerror or str(error))


def _record(catalog: Catalog, path: Path, result: tuple[ImageFile, PictureId] | Failure) -> None:
    if isinstance(result, Failure):
        files.set_failure(catalog, path, result)
    elif is_known_image(catalog, result[1]):
        files.set_picture(catalog, *result)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
