"""A dry run: moves are printed instead of made, and recorded only in a copy of the catalog in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from classifier.catalog.connection import Catalog, copy_in_memory
from classifier.catalog.places import LibraryFile, add_places, is_place
from classifier.catalog.values import to_bytes
from classifier.errors import Message
from classifier.filing.executor import execute
from classifier.filing.file_checks import why_no_link
from classifier.filing.plan import NAMES_TAKEN, folder_problem
from classifier.filing.reconcile import open_library, reconcile
from classifier.filing.results import Outcome, Status
from classifier.progress import Progress
from classifier.records import Method, Move
from classifier.sort.apply import Execute

Show = Callable[[Message], None]
"""Prints one planned move."""


@contextmanager
def open_or_copy(library: Path, progress: Progress, *, named: Path | None, show: Show | None) -> Iterator[Catalog]:
    """The library's catalog; with `show` (a dry run), a copy in memory that agrees with the disk."""
    if show is None:
        with open_library(library, progress, named=named) as catalog:
            yield catalog
    else:
        with copy_in_memory(library) as catalog:
            reconcile(catalog, library)
            yield catalog


def executor(catalog: Catalog, library: Path, *, run: int, show: Show | None) -> Execute:
    """What makes moves; with `show` they are only printed."""
    if show is not None:
        return partial(plan_only, catalog, library, show)
    return lambda moves: execute(catalog, library=library, run=run, moves=moves)


def plan_only(catalog: Catalog, library: Path, show: Show, moves: Sequence[Move]) -> list[Outcome]:
    """Print each move as a line, and record in `catalog` (a copy in memory) where its image would be."""
    outcomes = [_planned(catalog, library, move) for move in moves]
    for outcome in outcomes:
        source = outcome.move.source.path
        if outcome.path is None:
            show(Message("not filed: {source}: {why}", source=source, why=outcome.reason))
        else:
            target = library / outcome.path
            show(Message("{method}: {source} -> {target}", method=outcome.method, source=source, target=target))
    return outcomes


def _planned(catalog: Catalog, library: Path, move: Move) -> Outcome:
    if (trouble := folder_problem(library / move.folder, library=library)) is not None:
        return Outcome(move=move, status=Status.FAILED, reason=trouble)
    path = next((path for name in move.names if _is_free(catalog, library, path := move.folder / name)), None)
    if path is None:
        return Outcome(move=move, status=Status.FAILED, reason=NAMES_TAKEN)
    source, method = move.source, move.method
    if method is Method.LINK and why_no_link(source.path, library / move.folder) is not None:
        method = Method.COPY
    file = LibraryFile(
        image_id=move.image_id,
        path=to_bytes(path),
        method=method,
        source=to_bytes(source.path),
        size_bytes=source.size_bytes,
        mtime_ns=source.mtime_ns,
        inode=source.inode,
        device=source.device,
    )
    add_places(catalog, [file], renamed=move.method is Method.RENAME)
    return Outcome(move=move, status=Status.PLACED, path=path, method=method)


def _is_free(catalog: Catalog, library: Path, path: Path) -> bool:
    return not is_place(catalog, to_bytes(path)) and not (library / path).exists()
